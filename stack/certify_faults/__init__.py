"""Faults that the reference stack can be started with, outside every service."""
