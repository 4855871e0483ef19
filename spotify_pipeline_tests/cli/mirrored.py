"""An audience of this project, mirrored through Dagster to a sandbox, for commands to look at and to change."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import dagster as dg
import duckdb

from spotify_pipeline.cli.project import chosen_audience, load_definitions
from spotify_pipeline.customer_list import SnapshotStore
from spotify_pipeline.settings import Project
from spotify_pipeline_tests.components.runs import PEOPLE, Deployment, definitions_of

AUDIENCE = "newsletter_readers"
"""Of the project's own: e-mail addresses, once a month, at least 1,000."""
RETIRED = "retired"
"""An audience that was mirrored, and that the project has no YAML of."""


@cache
def own_definitions() -> dg.Definitions:
    return load_definitions(Project.find(Path(__file__)))


def newest_partition() -> str:
    chain = chosen_audience(own_definitions(), AUDIENCE)
    return chain.config.cadence.newest_partition(datetime.now(UTC))


class Mirrored:
    """A home and a warehouse below ``folder``, which the environment names."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self.warehouse = folder / "warehouse" / "warehouse.duckdb"
        self.warehouse.parent.mkdir()
        self.store = SnapshotStore(self.home / "data")

    def segment(self, people: int) -> None:
        """Put so many people into the audience's segment."""
        relation = chosen_audience(own_definitions(), AUDIENCE).relation
        with duckdb.connect(str(self.warehouse)) as connection:
            connection.execute(f'CREATE SCHEMA IF NOT EXISTS "{relation.parts[0]}"')
            connection.execute(
                f"CREATE OR REPLACE TABLE {relation.sql} AS SELECT 'reader' || i || '@example.com' AS email, "
                f"true AS marketing_consent FROM range({people}) rows(i)"
            )

    def decline(self, people: int) -> None:
        """Let so many people of the audience's segment take their consent back."""
        relation = chosen_audience(own_definitions(), AUDIENCE).relation
        with duckdb.connect(str(self.warehouse)) as connection:
            connection.execute(
                f"UPDATE {relation.sql} SET marketing_consent = false "
                f"WHERE email IN (SELECT email FROM {relation.sql} WHERE marketing_consent LIMIT {people})"
            )

    def run(self, people: int, *assets: str) -> dg.ExecuteInProcessResult:
        """Mirror so many people of the audience's newest partition; a run of some ``assets`` leaves the segment."""
        if not assets:
            self.segment(people)
        deployment = Deployment(own_definitions())
        return deployment.run(*assets, audience=AUDIENCE, partition=newest_partition(), quiet=True)

    def run_retired(self) -> None:
        """Mirror an audience that the project has no YAML of."""
        with duckdb.connect(str(self.warehouse)) as connection:
            connection.execute("CREATE SCHEMA IF NOT EXISTS crm")
            connection.execute(
                "CREATE OR REPLACE TABLE crm.people AS SELECT 'person' || i || '@example.com' AS email, "
                "true AS agreed FROM range(1200) rows(i)"
            )
        assert Deployment(definitions_of({RETIRED: PEOPLE})).run(audience=RETIRED, quiet=True).success

    def sha256(self, audience: str = AUDIENCE) -> str:
        """Of the list that was built last."""
        return self.store.lists(audience)[0][1].sha256
