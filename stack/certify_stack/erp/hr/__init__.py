"""The service hr."""
