"""The service scm."""
