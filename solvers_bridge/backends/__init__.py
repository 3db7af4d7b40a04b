"""Solvers behind one Protocol; each package is imported in one file only."""
