"""People who must not be in a list are not: no consent, a suppression list, an erasure. What cannot be read blocks."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from spotify_pipeline.components.audiences.checks.privacy import judge_erasures
from spotify_pipeline.components.audiences.list_building import read_segment
from spotify_pipeline.components.connection import audience_definitions
from spotify_pipeline.components.resources import PipelineHome, WarehouseResource
from spotify_pipeline.mirror.alerts import AlertKind
from spotify_pipeline.privacy import ErasureLedger, read_identifiers
from spotify_pipeline.rows import DigestSet
from spotify_pipeline.sandbox import SandboxServer
from spotify_pipeline.state import StateStore
from spotify_pipeline_tests.components.runs import (
    PEOPLE,
    Deployment,
    change_people,
    digest,
    digests_at_spotify,
    metadata,
    refusal,
    said_by,
    writes,
)
from spotify_pipeline_tests.home.here import home_here
from spotify_pipeline_tests.state_edits import lose

OPTED_OUT = "CREATE TABLE crm.opted_out AS SELECT 'person' || i || '@example.com' AS email FROM range(20, 26) r(i)"
SUPPRESSED = PEOPLE + "  suppress: [{table: crm.opted_out}]\n"
EVERYBODYS = """
type: spotify_pipeline.SuppressionList
attributes:
  segment: {table: crm.opted_out}
  identifiers: {email: email}
"""


@pytest.fixture
def deployment(load: Callable[..., dg.Definitions], environment: Path) -> Deployment:
    change_people(environment, OPTED_OUT)
    return Deployment(load({"people": SUPPRESSED}))


@pytest.mark.e2e
def test_p12_who_did_not_say_yes_is_left_out_and_counted(
    deployment: Deployment, environment: Path, sandbox: SandboxServer
) -> None:
    change_people(environment, "UPDATE crm.people SET agreed = NULL WHERE email = 'person1@example.com'")
    result = deployment.run()
    assert result.success
    assert digest("person1@example.com") not in digests_at_spotify(sandbox)
    assert PipelineHome().snapshots.manifest("people", "once").rows_dropped["no_consent"] == 11


def test_p12_a_consent_column_that_is_missing_stops_the_run(deployment: Deployment, environment: Path) -> None:
    change_people(environment, "ALTER TABLE crm.people RENAME COLUMN agreed TO said_yes")
    assert "crm.people has no column agreed" in said_by(deployment.run("identifiers"))


@pytest.mark.e2e
def test_p13_a_list_of_the_project_applies_where_the_audience_names_none(
    load: Callable[..., dg.Definitions], environment: Path, sandbox: SandboxServer
) -> None:
    change_people(environment, OPTED_OUT)
    deployment = Deployment(load({"suppressions/opted_out": EVERYBODYS, "people": PEOPLE}))
    assert deployment.run().success
    assert digest("person21@example.com") not in digests_at_spotify(sandbox)
    assert PipelineHome().snapshots.manifest("people", "once").suppressions == {"opted_out": 6, "erasure": 0}


def test_two_lists_of_the_project_with_one_name_are_refused() -> None:
    said = refusal({"suppressions/opted_out": EVERYBODYS, "more/opted_out": EVERYBODYS, "people": PEOPLE})
    assert said.startswith("Two suppression lists are called opted_out")


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("statement", "sentence"),
    [
        ("DROP TABLE crm.opted_out", "The warehouse has no table or view crm.opted_out"),
        ("ALTER TABLE crm.opted_out RENAME COLUMN email TO mail", "has none of the columns that identify people"),
        ("ALTER TABLE crm.opted_out RENAME COLUMN email TO Email", "crm.opted_out has no column email. It has: Email"),
        ("UPDATE crm.opted_out SET email = 'x' || email[:6]", "and not one usable identifier is in email"),
    ],
)
def test_p14_a_source_that_cannot_be_read_blocks_the_run_and_a_person_is_told(
    deployment: Deployment, environment: Path, sandbox: SandboxServer, statement: str, sentence: str
) -> None:
    assert deployment.run().success
    before = writes(sandbox)
    change_people(environment, statement)
    assert sentence in said_by(deployment.run())
    assert writes(sandbox) == before
    (alert,) = PipelineHome().alerts.due()
    assert (alert.kind, alert.codes) == (AlertKind.BLOCKED, ("suppressions",))


def forget(*lines: str) -> None:
    """Enter people into the ledger of erasures, as a command would have."""
    now = datetime.now(UTC)
    PipelineHome().ledger.record(
        read_identifiers(io.BytesIO("\n".join(lines).encode())),
        requested_at=now,
        deadline=now + timedelta(days=30),
        waiting=["people"],
    )


@pytest.mark.e2e
def test_p13_who_asked_to_be_forgotten_is_in_no_list_also_not_in_one_that_was_built_before(
    deployment: Deployment, sandbox: SandboxServer
) -> None:
    assert deployment.run("identifiers", "customer_list").success
    forget("email:person1@example.com")
    result = deployment.run("spotify_audience")
    assert result.success
    assert digest("person1@example.com") not in digests_at_spotify(sandbox)
    (receipt,) = metadata(result, "spotify_audience")["receipts"]  # pyright: ignore[reportGeneralTypeIssues]
    erasures = receipt["evidence"]["erasures"]
    assert (erasures["requests"], erasures["rows"]) == (1, "fewer than 20")


def test_w22_own_suppressions_that_can_match_nobody_are_refused_with_file_and_line(
    load: Callable[..., dg.Definitions], mistake: Callable[..., str]
) -> None:
    content = PEOPLE + "  suppress:\n    - {table: crm.opted_out, identifiers: {phone: phone}}\n"
    said = mistake(content, "people")
    assert re.search(r"people/defs\.yaml:9 attributes\.suppress\.0: crm\.opted_out would keep nobody out", said), said
    assert "it knows people by phone only, and here they are known by email" in said
    load({"people": content.replace("{phone: phone}", "{phone: phone, email: email}")})


def test_w22_a_list_of_the_project_that_can_match_nobody_is_said_and_the_audience_loads(
    load: Callable[..., dg.Definitions], caplog: pytest.LogCaptureFixture
) -> None:
    by_phone = EVERYBODYS.replace("{email: email}", "{phone: phone}")
    with caplog.at_level("WARNING"):
        definitions = load({"suppressions/by_phone": by_phone, "people": PEOPLE})
    assert "people: the suppression list by_phone keeps nobody out here: it knows people by phone only" in caplog.text
    described = definitions.get_assets_def(dg.AssetKey(["people", "customer_list"])).descriptions_by_key
    assert "(nobody: it knows people by phone only" in " ".join(described.values())


def test_p21_who_asks_while_the_segment_is_read_is_not_in_the_file_either(
    deployment: Deployment, environment: Path
) -> None:
    (chain,) = audience_definitions(deployment.definitions)
    read: list[int] = []

    class Ledger(ErasureLedger):
        """Somebody asks once its digests were read."""

        def digests(self) -> DigestSet:
            found = super().digests()
            read.append(len(found))
            if len(read) == 1:
                forget("email:person1@example.com")
            return found

    destination = environment / "private" / "identifiers.parquet"
    read_segment(chain, WarehouseResource(), Ledger(StateStore.in_home(home_here())), destination)
    assert read == [0, 1]
    assert "person1@example.com" not in pl.read_parquet(destination)["email"]


@pytest.mark.e2e
def test_p21_an_erasure_that_waits_for_an_audience_of_which_nothing_is_at_spotify_is_done(
    deployment: Deployment,
) -> None:
    """As an earlier version left it, or a call to forget that was killed."""
    assert deployment.run("identifiers", "customer_list").success
    forget("email:person1@example.com")
    home = PipelineHome()
    (chain,) = audience_definitions(deployment.definitions)
    late = datetime.now(UTC) + timedelta(days=40)
    for _ in range(2):  # the first finds that the request is in force
        judge_erasures(chain, home, late)
    assert home.ledger.waiting("people") == []
    assert home.alerts.standing() == []


@pytest.mark.e2e
def test_p21_an_erasure_waits_on_for_an_audience_that_may_be_at_spotify(deployment: Deployment) -> None:
    assert deployment.run().success
    forget("email:person1@example.com")
    home = PipelineHome()
    (chain,) = audience_definitions(deployment.definitions)
    for _ in range(2):
        judge_erasures(chain, home, datetime.now(UTC) + timedelta(days=40))
    assert len(home.ledger.waiting("people")) == 1
    assert [each.kind for each in home.alerts.standing()] == [AlertKind.ERASURE_DUE]


@pytest.mark.e2e
def test_p21_an_erasure_waits_on_where_the_journal_is_lost_and_receipts_are_there(deployment: Deployment) -> None:
    assert deployment.run().success
    forget("email:person1@example.com")
    home = PipelineHome()
    ((account, _),) = home.journal.known()
    lose(home.journal, "people", account)
    (chain,) = audience_definitions(deployment.definitions)
    for _ in range(2):
        judge_erasures(chain, home, datetime.now(UTC))
    assert len(home.ledger.waiting("people")) == 1
