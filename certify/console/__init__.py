"""What a run says while it goes on, and its last word. Everything but a machine-readable answer goes to stderr."""
