"""What a run shows a person, in the terminal."""
