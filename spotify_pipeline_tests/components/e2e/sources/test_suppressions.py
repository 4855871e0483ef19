"""Suppressions and erasures over several whole runs: what changes between them, and what cannot be read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from spotify_pipeline.components.audiences.checks.guards import GUARDS
from spotify_pipeline.components.resources import PipelineHome
from spotify_pipeline.mirror.alerts import AlertKind
from spotify_pipeline.sandbox import SandboxServer
from spotify_pipeline_tests.components.integration.sources.test_suppressions import OPTED_OUT, SUPPRESSED, forget
from spotify_pipeline_tests.components.runs import (
    PEOPLE,
    Deployment,
    change_people,
    digest,
    digests_at_spotify,
    evaluations,
    metadata,
    said_by,
    writes,
)
from spotify_pipeline_tests.on_disk import on_disk
from spotify_pipeline_tests.state_edits import keep, lose


@pytest.fixture
def deployment(load: Callable[..., dg.Definitions], environment: Path) -> Deployment:
    change_people(environment, OPTED_OUT)
    return Deployment(load({"people": SUPPRESSED}))


def test_p13_who_is_added_between_two_runs_is_not_in_the_next_upload(
    deployment: Deployment, environment: Path, sandbox: SandboxServer
) -> None:
    assert deployment.run().success
    sent = digests_at_spotify(sandbox)
    assert digest("person21@example.com") not in sent
    assert digest("person1@example.com") in sent
    change_people(environment, "INSERT INTO crm.opted_out VALUES (' Person1@Example.COM')")
    result = deployment.run()
    assert metadata(result, "spotify_audience")["done"] == "replaced"
    assert sent - digests_at_spotify(sandbox) == {digest("person1@example.com")}
    shown = str(metadata(result, "customer_list")["since the list before"])
    assert "| suppressed | fewer than 20 |" in shown


def test_p14_a_source_that_is_empty_and_was_not_blocks_the_run(
    deployment: Deployment, environment: Path, sandbox: SandboxServer
) -> None:
    assert deployment.run().success
    before = writes(sandbox)
    change_people(environment, "DELETE FROM crm.opted_out")
    result = deployment.run()
    assert not result.success
    assert "[suppressions]" in str(evaluations(result, GUARDS)["customer_list"].description)
    assert writes(sandbox) == before


def test_p14_a_list_built_without_the_suppressions_of_now_is_not_sent(
    load: Callable[..., dg.Definitions], deployment: Deployment, environment: Path, sandbox: SandboxServer
) -> None:
    unsuppressed = Deployment(load({"people": PEOPLE}))
    assert unsuppressed.run("identifiers", "customer_list").success
    said = said_by(deployment.run("spotify_audience"))
    assert "was built without the suppressions that apply now (crm.opted_out). Nothing was sent." in said
    assert writes(sandbox) == 0


def test_p12_p13_a_list_that_is_sent_later_than_it_was_built_is_without_those_who_may_not_be_in_it_by_then(
    deployment: Deployment, environment: Path, sandbox: SandboxServer
) -> None:
    assert deployment.run("identifiers", "customer_list").success
    change_people(environment, "INSERT INTO crm.opted_out VALUES ('person1@example.com')")
    change_people(environment, "UPDATE crm.people SET agreed = false WHERE email = 'person2@example.com'")
    result = deployment.run("spotify_audience")
    assert result.success
    sent = digests_at_spotify(sandbox)
    assert sent.isdisjoint({digest("person1@example.com"), digest("person2@example.com")})
    assert digest("person3@example.com") in sent
    (receipt,) = metadata(result, "spotify_audience")["receipts"]  # pyright: ignore[reportGeneralTypeIssues]
    assert receipt["rows_withdrawn"] == "fewer than 20"
    erasures = receipt["evidence"]["erasures"]
    assert (erasures["requests"], erasures["rows"]) == (0, 0)
    assert metadata(deployment.run("spotify_audience"), "spotify_audience")["done"] == "unchanged"


def test_p14_a_list_is_not_sent_later_if_it_cannot_be_known_who_may_not_be_in_it_by_then(
    deployment: Deployment, environment: Path, sandbox: SandboxServer
) -> None:
    assert deployment.run("identifiers", "customer_list").success
    change_people(environment, "DROP TABLE crm.opted_out")
    assert "The warehouse has no table or view crm.opted_out" in said_by(deployment.run("spotify_audience"))
    assert writes(sandbox) == 0


def test_p12_consent_that_ended_after_the_identifiers_were_read_counts_when_the_list_is_built(
    deployment: Deployment, environment: Path, sandbox: SandboxServer
) -> None:
    assert deployment.run("identifiers").success
    change_people(environment, "UPDATE crm.people SET agreed = NULL WHERE email = 'person2@example.com'")
    assert deployment.run("customer_list", "spotify_audience").success
    assert digest("person2@example.com") not in digests_at_spotify(sandbox)


def test_p15_a_blocked_run_with_erasures_waiting_is_told_at_once_and_over_when_it_is_sent(
    deployment: Deployment, environment: Path, sandbox: SandboxServer
) -> None:
    assert deployment.run().success
    forget("email:person1@example.com")
    change_people(
        environment,
        "UPDATE crm.people SET agreed = false WHERE email LIKE '%1@%' OR email LIKE '%2@%' OR "
        "email LIKE '%3@%' OR email LIKE '%5@%'",
    )
    assert not deployment.run().success
    due = {each.kind: each for each in PipelineHome().alerts.due()}
    assert set(due) == {AlertKind.BLOCKED, AlertKind.ERASURE_DUE}
    assert (
        "1 erasure request waits for audience people, and its last run was blocked"
        in due[AlertKind.ERASURE_DUE].sentence
    )
    change_people(environment, "UPDATE crm.people SET agreed = true")
    assert deployment.run().success
    assert PipelineHome().alerts.standing() == []


def test_p15_an_erasure_waits_on_while_the_audience_is_in_another_ad_account_too(deployment: Deployment) -> None:
    assert deployment.run().success
    home = PipelineHome()
    ((account, _),) = home.journal.known()
    other = "00000000-0000-4000-8000-000000000001"
    entry = home.journal.read("people", account)
    keep(home.journal, "people", replace(entry, ad_account_id=other, audience_id=other))
    forget("email:person1@example.com")
    assert deployment.run().success
    assert home.ledger.waiting("people")
    lose(home.journal, "people", other)
    for _ in range(2):  # the first finds that the request is in force
        assert deployment.run().success
    assert home.ledger.waiting("people") == []


def test_p13_an_erasure_waits_until_a_list_that_was_built_after_it_is_sent(deployment: Deployment) -> None:
    """Of a list that was built before only rows are taken out: another address of the person may still be in it."""
    assert deployment.run("identifiers", "customer_list").success
    forget("email:person1@example.com")
    for _ in range(2):  # the first finds that the request is in force
        assert deployment.run("spotify_audience").success
    ledger = PipelineHome().ledger
    assert ledger.waiting("people")
    for _ in range(2):
        assert deployment.run().success
    assert ledger.waiting("people") == []


@pytest.mark.parametrize("damage", ["'[\"' || email || '\"]'", "email || ', ' || email", "'n/a'"])
def test_w22_a_suppression_of_which_many_values_are_unusable_blocks_with_their_count(
    load: Callable[..., dg.Definitions], environment: Path, sandbox: SandboxServer, damage: str
) -> None:
    change_people(environment, "CREATE TABLE crm.opted_out AS SELECT email FROM crm.people WHERE agreed")
    change_people(environment, f"UPDATE crm.opted_out SET email = {damage} WHERE email <> 'person1@example.com'")
    said = said_by(Deployment(load({"people": SUPPRESSED})).run())
    assert "Of the email values of the suppression list crm.opted_out (in email), 29 of 30 are unusable (29 not" in said
    assert "at most 10 % may be. Nothing was sent." in said
    assert writes(sandbox) == 0
    (alert,) = PipelineHome().alerts.due()
    assert (alert.kind, alert.codes) == (AlertKind.BLOCKED, ("suppressions",))


def test_w22_each_type_of_a_suppression_is_counted_by_itself(
    load: Callable[..., dg.Definitions], environment: Path, sandbox: SandboxServer
) -> None:
    """All addresses are right, and every number is without its country."""
    change_people(
        environment,
        "CREATE TABLE crm.opted_out AS SELECT 'gone' || i || '@example.com' AS email, '070-174 06 05' AS phone "
        "FROM range(100) r(i)",
    )
    content = SUPPRESSED.replace("{table: crm.opted_out}", "{table: crm.opted_out, identifiers: {email: email, PHONE}}")
    without_country = Deployment(load({"people": content.replace("PHONE", "phone: phone")}))
    said = said_by(without_country.run("identifiers", "customer_list"))
    assert "Of the phone values of the suppression list crm.opted_out (in phone), 100 of 100 are unusable" in said
    assert "(100 phone without a country)" in said
    with_country = content.replace("PHONE", "phone: {column: phone, default_region: SE}")
    assert Deployment(load({"people": with_country})).run().success


def test_w22_a_share_of_unusable_values_that_the_yaml_allows_passes_and_is_shown(
    load: Callable[..., dg.Definitions], environment: Path, sandbox: SandboxServer
) -> None:
    change_people(environment, "CREATE TABLE crm.opted_out AS SELECT email FROM crm.people WHERE email LIKE '%1%'")
    change_people(environment, "INSERT INTO crm.opted_out SELECT '?' FROM range(20) r(i)")
    allowed = SUPPRESSED.replace("{table: crm.opted_out}", '{table: crm.opted_out, max_invalid: "80%"}')
    result = Deployment(load({"people": allowed})).run()
    assert result.success
    manifest = PipelineHome().snapshots.manifest("people", "once")
    assert manifest.suppression_values == {"crm.opted_out": {"email": {"usable": 13, "unusable": 20}}}
    assert manifest.suppressed == {"crm.opted_out": 11, "erasure": 0}
    assert digest("person1@example.com") not in digests_at_spotify(sandbox)
    shown = str(metadata(result, "customer_list")["suppressions"])
    assert "| crm.opted_out | fewer than 20 | 20 | fewer than 20 |" in shown


def test_w22_one_column_of_a_suppression_that_is_lost_is_seen_beside_a_larger_one(
    load: Callable[..., dg.Definitions], environment: Path, sandbox: SandboxServer
) -> None:
    change_people(
        environment,
        "CREATE TABLE crm.opted_out AS SELECT 'gone' || i || '@example.com' AS email, "
        "CASE WHEN i < 50 THEN '+4670174' || (600 + i) || '0' END AS phone FROM range(500) r(i)",
    )
    both = "{table: crm.opted_out, identifiers: {email: email, phone: phone}}"
    deployment = Deployment(load({"people": SUPPRESSED.replace("{table: crm.opted_out}", both)}))
    assert deployment.run().success
    before = writes(sandbox)
    change_people(environment, "UPDATE crm.opted_out SET phone = NULL")
    change_people(environment, "INSERT INTO crm.people VALUES ('new@example.com', true)")
    result = deployment.run()
    assert not result.success
    assert "crm.opted_out: phone 0, 50 before" in str(evaluations(result, GUARDS)["customer_list"].description)
    assert writes(sandbox) == before


def test_p21_who_asked_to_be_forgotten_is_not_written_in_clear_again(
    deployment: Deployment, environment: Path, sandbox: SandboxServer
) -> None:
    """The segment still has them."""
    forget("email:person1@example.com")
    result = deployment.run()
    assert result.success
    home = PipelineHome()
    kept = pl.read_parquet(on_disk(home.snapshots.identifiers_path("people", "once")))["email"]
    assert "person1@example.com" not in kept
    assert "person2@example.com" in kept
    report = home.snapshots.identifiers_report("people", "once")
    assert report.rows_dropped == {"no_consent": 10, "no_identifier": 0, "erased": 1}
    manifest = home.snapshots.manifest("people", "once")
    assert (manifest.suppressed["erasure"], manifest.rows_dropped["erased"]) == (1, 1)
    assert "asked to be forgotten | fewer than 20 |" in str(metadata(result, "identifiers")["people"])
    assert not any(b"person1@" in file.read_bytes() for file in (environment / "home").rglob("*") if file.is_file())


def test_columns_of_other_types_hold_the_same_people(
    deployment: Deployment, environment: Path, sandbox: SandboxServer
) -> None:
    change_people(
        environment,
        "CREATE OR REPLACE TABLE crm.people AS SELECT ['person' || i || '@example.com', 'p' || i || '@example.com'] AS "
        "email, (i % 4 <> 0)::INTEGER::DOUBLE AS agreed FROM range(40) r(i)",
    )
    change_people(
        environment,
        "CREATE OR REPLACE TABLE crm.opted_out AS SELECT ('\"person' || i || '@example.com\"')::JSON AS email "
        "FROM range(20, 26) r(i)",
    )
    assert deployment.run().success
    sent = [i for i in range(40) if i % 4 and i not in range(20, 26)]
    assert digests_at_spotify(sandbox) == {digest(f"{name}{i}@example.com") for i in sent for name in ("person", "p")}


@pytest.mark.parametrize(
    ("statement", "sentence"),
    [
        (
            "ALTER TABLE crm.people ALTER agreed TYPE TIMESTAMP USING now()",
            "agreed holds TIMESTAMP, which can never say",
        ),
        ("ALTER TABLE crm.people ALTER email TYPE STRUCT(a TEXT) USING {a: email}", "email holds STRUCT, of which no"),
        ("ALTER TABLE crm.opted_out ALTER email TYPE JSON USING to_json([email])", "email holds JSON, and in some row"),
        (
            "ALTER TABLE crm.opted_out ALTER email TYPE VARCHAR USING '[' || email || ']'",
            "look like an array or JSON as",
        ),
    ],
)
def test_a_column_that_can_hold_nobody_stops_the_run_before_anything_is_sent(
    deployment: Deployment, environment: Path, sandbox: SandboxServer, statement: str, sentence: str
) -> None:
    change_people(environment, statement)
    said = said_by(deployment.run())
    assert sentence in said
    assert "example.com" not in said
    assert writes(sandbox) == 0
