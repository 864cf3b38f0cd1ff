"""The service inventory."""
