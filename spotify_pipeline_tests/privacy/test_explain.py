"""Where somebody is, line by line: in which files, whether Spotify has them, and whether they asked to be forgotten."""

from __future__ import annotations

import logging
from pathlib import Path

import polars as pl
import pytest

from spotify_pipeline.customer_list import Layout, SnapshotStore, build_customer_list, write_identifiers
from spotify_pipeline.privacy import ExplainedLine, explain, forget
from spotify_pipeline_tests.customer_list.making import ALL_TYPES, NOW, segment
from spotify_pipeline_tests.on_disk import on_disk
from spotify_pipeline_tests.privacy.making import Machine, address, people, sha

ADA, BOB = address("ada"), address("bob")
PHONE, DEVICE = "+46701740605", "6f9619ff-8b86-d011-b42d-00c04fc964ff"


def told(line: ExplainedLine) -> list[tuple[str, ...]]:
    return [(each.audience, each.snapshot, each.place.name, each.by) for each in line.sightings]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    machine = Machine(tmp_path)
    machine.build("lapsed", "1", ["ada"])
    machine.build("lapsed", "2", ["ada", "bob"])
    machine.mirror("lapsed", "2")
    machine.build("loyal", "1", ["bob"], Layout.LONG)
    machine.store.keep_identifiers("lapsed", 0)
    return machine


def test_each_line_is_told_where_it_is(machine: Machine) -> None:
    explanation = explain(people(ADA, "nobody@example.com", BOB.upper()), machine.store, machine.ledger, machine.live)
    assert [each.identifier.line for each in explanation.lines] == [1, 2, 3]
    assert [told(each) for each in explanation.lines] == [
        [("lapsed", "1", "KEPT", "email"), ("lapsed", "2", "LIVE", "email")],
        [],
        [("lapsed", "2", "LIVE", "email"), ("loyal", "1", "IDENTIFIERS", "email"), ("loyal", "1", "KEPT", "email")],
    ]
    assert (explanation.unknown, explanation.problems) == ((), ())


@pytest.mark.parametrize("layout", list(Layout))
def test_every_identifier_of_a_person_is_found_as_what_it_is(tmp_path: Path, layout: Layout) -> None:
    store, machine = SnapshotStore(tmp_path / "data"), Machine(tmp_path)
    path = on_disk(store.identifiers_path("lapsed", "1"))
    row = {"email": ADA, "billing_email": BOB, "phone": PHONE, "idfa": DEVICE, "consent": "true"}
    report = write_identifiers([segment([row])], ALL_TYPES, path)
    build_customer_list(
        path,
        report,
        on_disk(store.list_path("lapsed", "1")),
        layout=layout,
        audience="lapsed",
        snapshot="1",
        built_at=NOW,
    )
    lines = explain(people(BOB, PHONE, DEVICE.upper(), f"digest:{sha(ADA)}"), store, machine.ledger, {}).lines
    kinds = ["email", "phone", "device_id", "email"]
    assert [told(line) for line in lines] == [
        [("lapsed", "1", "IDENTIFIERS", kind), ("lapsed", "1", "KEPT", kind)] for kind in kinds
    ]


def test_an_erasure_is_told_with_the_audiences_it_waits_for(machine: Machine) -> None:
    request = forget(people(ADA), machine.store, machine.ledger, now=machine.clock, live=machine.live).request
    explanation = explain(people(BOB, ADA), machine.store, machine.ledger, machine.live)
    assert [line.erasures for line in explanation.lines] == [(), (request,)]
    assert told(explanation.lines[1]) == [("lapsed", "2", "ERASED", "email")]
    assert told(explanation.lines[0])[0] == ("lapsed", "2", "LIVE", "email")
    assert explanation.unknown == (), "who was taken out is marked, so Spotify's list can still be searched"


def test_a_list_that_cannot_be_searched_is_unknown(machine: Machine) -> None:
    live = {**machine.live, "gone": {sha("a list of long ago")}, "loyal": {""}}
    assert explain(people(ADA), machine.store, machine.ledger, live).unknown == ("gone", "loyal")
    forget(people(ADA), machine.store, machine.ledger, now=machine.clock, live={})
    assert explain(people(ADA), machine.store, machine.ledger, machine.live).unknown == ("lapsed",), "nobody is marked"


def test_a_file_that_cannot_be_read_is_named_and_the_others_are_looked_into(machine: Machine) -> None:
    path = on_disk(machine.store.list_path("lapsed", "1"))
    path.write_bytes(path.read_bytes().replace(b"\n", b"canary\n"))
    on_disk(machine.store.identifiers_path("loyal", "1")).write_bytes(b"PAR1 canary@example.com")
    explanation = explain(people(ADA), machine.store, machine.ledger, machine.live)
    assert told(explanation.lines[0]) == [("lapsed", "2", "LIVE", "email")]
    assert [each.split(":")[0] for each in explanation.problems] == [
        "List of lapsed, snapshot 1",
        "Identifiers of loyal, snapshot 1",
    ]
    assert "canary" not in str(explanation.problems)


def test_p01_nothing_is_logged(machine: Machine, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    explanation = explain(people(ADA), machine.store, machine.ledger, machine.live)
    assert not any(part in caplog.text + repr(explanation) for part in ("ada@", sha(ADA)[:12]))


def test_a_list_of_many_rows_is_looked_into_to_its_end(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.build("lapsed", "1", [f"n{number}" for number in range(70_000)])
    lines = explain(people(*map(address, ["n0", "n69999", "n70000"])), machine.store, machine.ledger, {}).lines
    assert [len(line.sightings) for line in lines] == [2, 2, 0]
    assert pl.Series([sha(address("n0"))]).is_in(sorted(machine.cells("lapsed", "1"))).all()
