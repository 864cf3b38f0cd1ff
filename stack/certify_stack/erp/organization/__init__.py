"""The service organization."""
