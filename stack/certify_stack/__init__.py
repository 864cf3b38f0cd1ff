"""The reference stack of the finance profile."""
