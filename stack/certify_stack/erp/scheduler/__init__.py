"""The service scheduler."""
