"""The service import-export."""
