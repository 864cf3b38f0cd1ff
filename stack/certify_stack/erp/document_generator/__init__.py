"""The service document-generator."""
