"""Data sets, tasks, scoring, and comparisons with other packages."""
