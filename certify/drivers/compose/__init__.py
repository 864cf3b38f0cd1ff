"""The compose driver: any stack of compose files, in containers of its own, judged from outside."""
