"""The environment in which Alembic runs the revisions of any service, or renders them to SQL."""

from alembic import context


def run() -> None:
    """Apply revisions over the connection that the caller opened, or write them down where there is none."""
    if context.is_offline_mode():
        # Named parameters, because the default style of this dialect would double every percent sign.
        context.configure(dialect_name="postgresql", literal_binds=True, dialect_opts={"paramstyle": "named"})
    else:
        context.configure(connection=context.config.attributes["connection"], target_metadata=None)
    context.run_migrations()


run()
