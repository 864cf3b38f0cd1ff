"""The service notification."""
