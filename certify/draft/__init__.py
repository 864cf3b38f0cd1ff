"""From compose files to a profile that runs at once: what is found, where, and how sure that is."""
