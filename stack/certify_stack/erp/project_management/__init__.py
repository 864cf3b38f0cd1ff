"""The service project-management."""
