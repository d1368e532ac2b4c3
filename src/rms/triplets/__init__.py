"""From described images to balanced, labelled pairs. Knows the Assistant interface, never an implementation."""
