"""Alembic's environment: it is given a connection, and leaves the transaction to its giver."""

from alembic import context

from spotify_pipeline.state.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
