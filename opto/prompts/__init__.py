"""Prompts are files; this package turns one into messages."""
