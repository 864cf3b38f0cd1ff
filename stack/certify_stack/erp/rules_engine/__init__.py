"""The service rules-engine."""
