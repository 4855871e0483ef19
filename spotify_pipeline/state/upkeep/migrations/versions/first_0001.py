"""The first tables. `create` makes them too; this is for those who come from nothing. Freeze it when 0002 comes."""

from alembic import op

from spotify_pipeline.state.tables import metadata

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    metadata.create_all(op.get_bind())
