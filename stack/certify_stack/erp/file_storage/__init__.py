"""The service file-storage."""
