"""The service crm."""
