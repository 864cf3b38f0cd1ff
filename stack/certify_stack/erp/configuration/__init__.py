"""The service configuration."""
