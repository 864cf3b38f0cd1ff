"""The process that makes the load, and what it writes. Standard library only, apart from Locust and gevent."""
