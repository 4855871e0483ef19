"""A whole chain whose lists are in a bucket: built, compared, sent, built again, forgotten from and rolled back."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from spotify_pipeline.cli.doctor import local_files
from spotify_pipeline.cli.doctor.check_result import State
from spotify_pipeline.components.audiences.checks.guards import GUARDS
from spotify_pipeline.components.cadence import CadenceConfig
from spotify_pipeline.components.resources import PipelineHome
from spotify_pipeline.customer_list import SnapshotStore
from spotify_pipeline.privacy import explain, forget, read_identifiers
from spotify_pipeline.sandbox import DEFAULTS, SandboxServer
from spotify_pipeline_tests.bucket_server import Objects
from spotify_pipeline_tests.components.runs import (
    PEOPLE,
    Deployment,
    change_people,
    digest,
    digests_at_spotify,
    evaluations,
    metadata,
    said_by,
)

NEWEST = CadenceConfig(every="day").newest_partition(datetime.now(UTC))
BEFORE = (datetime.fromisoformat(NEWEST) - timedelta(days=1)).date().isoformat()
WAY_BACK: dict[str, object] = {"rollback": {"reason": "The new segment lost a join", "approved_by": "Kim"}}
YAML = PEOPLE.replace("cadence: once", "cadence: {every: day}")


@pytest.fixture
def in_bucket(environment: Path, objects: Objects, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SPOTIFY_PIPELINE_LISTS", objects.url)
    return environment


@pytest.fixture
def deployment(load: Callable[..., dg.Definitions], in_bucket: Path) -> Deployment:
    return Deployment(load({"people": YAML}))


def raw(objects: Objects) -> list[str]:
    """Objects that hold an address of anybody, or a file of identifiers in clear."""
    clear = (key for key, content in objects.all().items() if "/identifiers/" in key and content.startswith(b"PAR1"))
    return [*clear, *(key for key, content in objects.all().items() if b"example.com" in content)]


def lists_on_disk(home: Path) -> list[Path]:
    return [file for folder in ("data", "scratch") for file in (home / folder).rglob("*") if file.is_file()]


def test_a_chain_keeps_its_lists_in_the_bucket_and_nothing_of_them_on_the_machine(
    deployment: Deployment, in_bucket: Path, objects: Objects, sandbox: SandboxServer
) -> None:
    assert deployment.run("identifiers", partition=NEWEST).success
    assert [key for key in objects.all() if key.endswith(".parquet")]
    assert raw(objects) == []
    assert deployment.run("customer_list", "spotify_audience", partition=NEWEST).success
    assert len(digests_at_spotify(sandbox)) == 30
    store = PipelineHome().snapshots
    path, manifest = store.stored("people", NEWEST)
    store.copy_list((path, manifest), replace(manifest, snapshot=BEFORE))

    # Compared with what Spotify has: another machine finds that in the bucket.
    change_people(in_bucket, "INSERT INTO crm.people SELECT 'new' || i || '@example.com', true FROM range(3) r(i)")
    again = deployment.run(partition=NEWEST)
    assert again.success
    assert metadata(again, "spotify_audience")["done"] == "replaced"
    assert len(digests_at_spotify(sandbox)) == 33
    assert metadata(deployment.run("spotify_audience", partition=NEWEST), "spotify_audience")["done"] == "unchanged"

    # A segment that lost most of its people is held back, as ever.
    change_people(in_bucket, "CREATE TABLE crm.aside AS SELECT * FROM crm.people")
    change_people(in_bucket, "DELETE FROM crm.people WHERE email > 'person2'")
    held = deployment.run(partition=NEWEST)
    assert "[shrink]" in str(evaluations(held, GUARDS)["customer_list"].description)
    assert "[shrink]" in said_by(deployment.run("spotify_audience", partition=NEWEST))
    change_people(in_bucket, "INSERT INTO crm.people SELECT * FROM crm.aside WHERE email > 'person2'")
    assert deployment.run(partition=NEWEST).success

    # Somebody is forgotten, in every list, at once; the next list is held against what Spotify has.
    home, somebody = PipelineHome(), digest("person1@example.com")
    live = home.journal.read("people", DEFAULTS.ad_account_id).file_sha256
    people = read_identifiers(io.BytesIO(f"digest:{somebody}".encode()))
    assert live is not None
    assert explain(people, home.snapshots, home.ledger, {"people": {live}}).lines[0].sightings
    done = forget(people, home.snapshots, home.ledger, now=lambda: datetime.now(UTC), live={"people": {live}})
    assert (len(done.rewritten) >= 2, done.problems) == (True, ())
    assert not [key for key, content in objects.all().items() if somebody.encode() in content]
    assert deployment.run(partition=NEWEST).success
    assert somebody not in digests_at_spotify(sandbox)
    assert len(digests_at_spotify(sandbox)) == 32

    # Back to the list of the day before, without who was forgotten since.
    back = deployment.run("spotify_audience", partition=BEFORE, send=WAY_BACK)
    assert back.success, said_by(back)
    assert len(digests_at_spotify(sandbox)) == 29
    assert raw(objects) == []
    assert lists_on_disk(in_bucket / "home") == []


def test_a_list_in_parts_is_split_on_the_machine_and_sent(
    load: Callable[..., dg.Definitions], in_bucket: Path, objects: Objects, sandbox: SandboxServer
) -> None:
    deployment = Deployment(
        load({"people": YAML.replace("{min_rows: 3}", "{min_rows: 3, max_bytes: 1500}\n  oversize: split")})
    )
    result = deployment.run(partition=NEWEST)
    assert result.success, said_by(result)
    assert len(list(sandbox.state.audiences.of(DEFAULTS.ad_account_id))) > 1
    assert lists_on_disk(in_bucket / "home") == []
    assert raw(objects) == []


def test_a_bucket_that_is_gone_stops_the_run_in_a_sentence(deployment: Deployment, objects: Objects) -> None:
    objects.gone()
    said = said_by(deployment.run("identifiers", partition=NEWEST))
    assert f"{objects.url} cannot be used" in said
    assert "testing-secret" not in said


def test_doctor_looks_at_the_bucket(deployment: Deployment, objects: Objects) -> None:
    assert deployment.run(partition=NEWEST).success
    looked = local_files.lists()
    assert (looked.state, looked.sentence[:8]) == (State.OK, "1 lists,")
    assert looked.sentence.endswith(f"in {objects.url}")
    objects.keep_versions()
    looked = local_files.lists()
    assert looked.state is State.FAILED
    assert "keeps old versions of what is deleted" in looked.sentence


def test_the_setting_names_a_folder_too(
    load: Callable[..., dg.Definitions], environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPOTIFY_PIPELINE_LISTS", str(environment / "elsewhere"))
    assert Deployment(load({"people": YAML})).run(partition=NEWEST).success
    assert SnapshotStore(environment / "elsewhere").snapshots("people") == [NEWEST]
    monkeypatch.setenv("SPOTIFY_PIPELINE_LISTS", "https://example.com/lists")
    assert "is no folder that lists can be in" in said_by(Deployment(load({"people": YAML})).run(partition=NEWEST))
