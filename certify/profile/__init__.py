"""Profiles: reading them with positions, extending, validating, describing."""
