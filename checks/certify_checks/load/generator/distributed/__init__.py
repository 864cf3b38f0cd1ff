"""One load by many processes: Locust's master and workers, who keep every single request and trust nobody without the token."""
