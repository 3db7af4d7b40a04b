"""Files that other solvers read."""
