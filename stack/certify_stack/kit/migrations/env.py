"""The environment in which Alembic runs the revisions of any service."""

from alembic import context


def run() -> None:
    """Apply revisions over the connection that the caller opened."""
    context.configure(connection=context.config.attributes["connection"], target_metadata=None)
    context.run_migrations()


run()
