"""What this machine can and cannot run: facts are gathered, judged, and told, each in a module of its own."""
