"""The service master-data."""
