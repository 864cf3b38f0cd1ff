"""The reference stack in containers: its compose file, and the jobs that run in it."""
