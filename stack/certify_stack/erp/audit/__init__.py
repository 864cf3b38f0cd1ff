"""The service audit."""
