"""Sealing and verifying: signed attestations over a run's files, readable by other people's tools."""
