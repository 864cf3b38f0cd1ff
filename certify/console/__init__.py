"""What a person watching the terminal sees."""
