"""Runs the gateway: one Node program, bundled at build time into `gateway.mjs` beside this file."""
