"""How everything of a run is found again, and only that: by label, never by name."""

RUN = "dev.certify.run"
OWNER = "dev.certify.owner"
SERVICE = "com.docker.compose.service"
PROJECT_PREFIX = "certify-"
