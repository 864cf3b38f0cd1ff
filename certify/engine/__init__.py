"""Runs a plan: check processes, locks, budgets, record and decision."""
