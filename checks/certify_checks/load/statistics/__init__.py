"""Intervals and percentiles that hold whatever the distribution, and what dependence does to them. Pure."""
