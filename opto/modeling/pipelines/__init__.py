"""Ways from a problem in words to a draft of its model."""
