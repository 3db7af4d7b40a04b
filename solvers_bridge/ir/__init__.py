"""The model types and the grammar of their expressions."""
