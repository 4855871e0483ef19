"""How the tables change from one version of this project to the next; run by Alembic."""
