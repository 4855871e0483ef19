"""Lists are built, sent, deleted and people forgotten in any order; a model of sets says what must hold throughout."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from spotify_pipeline.privacy import Place, explain, forget
from spotify_pipeline_tests.privacy.making import Machine, address, people, sha

AUDIENCES = ("lapsed", "loyal")
NAMES = ("ada", "bob", "eve", "kim")
SNAPSHOTS = ("1", "2")
some_names = st.sets(st.sampled_from(NAMES))
an_audience = st.sampled_from(AUDIENCES)


def named(digests: Sequence[str] | frozenset[str]) -> frozenset[str]:
    return frozenset(name for name in NAMES if sha(address(name)) in digests)


class Forgetting(RuleBasedStateMachine):
    """The model: who asked, in each request; which people each kept list has, and each audience at Spotify.

    Of each kept list also whom it lost to erasures: all of them (`taken`), and those whom it lost while it was the list
    that Spotify had (`marked`), who stay known until the next one is sent.
    """

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.machine = Machine(Path(self.folder.name))
        self.requests: dict[str, frozenset[str]] = {}
        self.kept: dict[tuple[str, str], frozenset[str]] = {}
        self.spotify: dict[str, frozenset[str]] = {}
        self.live: dict[str, tuple[str, str]] = {}
        self.taken: dict[tuple[str, str], frozenset[str]] = {}
        self.marked: dict[tuple[str, str], frozenset[str]] = {}

    def teardown(self) -> None:
        self.folder.cleanup()

    @property
    def asked(self) -> frozenset[str]:
        return frozenset().union(*self.requests.values())

    @rule(audience=an_audience, snapshot=st.sampled_from(SNAPSHOTS), names=some_names)
    def build(self, audience: str, snapshot: str, names: set[str]) -> None:
        self.machine.build(audience, snapshot, names)
        self.kept[audience, snapshot] = frozenset(names) - self.asked
        self.taken[audience, snapshot] = self.marked[audience, snapshot] = frozenset()
        if self.live.get(audience) == (audience, snapshot):
            del self.live[audience]

    @precondition(lambda self: self.kept)
    @rule(data=st.data())
    def mirror(self, data: st.DataObject) -> None:
        audience, snapshot = data.draw(st.sampled_from(sorted(self.kept)))
        self.send(audience, snapshot)

    def send(self, audience: str, snapshot: str) -> None:
        self.machine.mirror(audience, snapshot)
        self.spotify[audience] = self.kept[audience, snapshot]
        self.live[audience] = (audience, snapshot)
        self.marked |= {key: frozenset() for key in self.marked if key[0] == audience}

    @rule(names=some_names.filter(bool))
    def forget(self, names: set[str]) -> None:
        machine = self.machine
        lines = people(*map(address, sorted(names)))
        done = forget(lines, machine.store, machine.ledger, now=machine.clock, live=machine.live)
        holding = {key for key, held in self.kept.items() if held & names}
        assert {(each.audience, each.snapshot) for each in done.rewritten} == holding
        assert sum(each.rows for each in done.rewritten) == sum(len(self.kept[key] & names) for key in holding)
        self.requests[done.request.id] = frozenset(names)
        for key in holding:
            self.taken[key] |= self.kept[key] & names
            if self.live.get(key[0]) == key:
                self.marked[key] |= self.kept[key] & names
        self.kept = {key: held - names for key, held in self.kept.items()}

    @rule(audience=an_audience)
    def delete_old_lists(self, audience: str) -> None:
        """As runs do it: what the next list is compared with stays, and who was erased from it stays known."""
        sent = self.machine.live.get(audience, ())
        for snapshot in self.machine.store.keep_lists(audience, 1, sent=sent):
            del self.kept[audience, snapshot]

    @rule(audience=an_audience)
    def send_anew(self, audience: str) -> None:
        """A run of the whole chain: afterwards nothing waits for that audience."""
        self.build(audience, "2", set(NAMES))
        self.send(audience, "2")
        assert self.machine.ledger.waiting(audience) == []

    @rule()
    def explain_says_what_the_model_says(self) -> None:
        machine = self.machine
        lines = explain(people(*map(address, NAMES)), machine.store, machine.ledger, machine.live).lines
        for name, line in zip(NAMES, lines, strict=True):
            places = [(each.place, (each.audience, each.snapshot)) for each in line.sightings]
            lists = {key for place, key in places if place in (Place.LIVE, Place.KEPT)}
            assert lists == {key for key, held in self.kept.items() if name in held}
            marked = {key for place, key in places if place is Place.ERASED}
            assert marked >= {key for key in self.kept if name in self.marked[key]}
            assert marked <= {key for key in self.kept if name in self.taken[key]}
            assert {each.id for each in line.erasures} == {key for key, who in self.requests.items() if name in who}

    @invariant()
    def kept_lists_are_those_of_the_model(self) -> None:
        found = {(audience, key) for audience in AUDIENCES for key in self.machine.store.snapshots(audience)}
        assert found == set(self.kept)
        assert {key: named(self.machine.cells(*key)) for key in found} == self.kept

    @invariant()
    def p13_nobody_who_asked_is_in_a_kept_list(self) -> None:
        assert not any(held & self.asked for held in self.kept.values())

    @invariant()
    def who_is_still_at_spotify_is_waited_for(self) -> None:
        for request in self.machine.ledger.requests():
            for audience, held in self.spotify.items():
                if held & self.requests[request.id]:
                    assert audience in request.waiting

    @invariant()
    def the_ledger_holds_all_requests_and_nobody_else(self) -> None:
        assert {each.id for each in self.machine.ledger.requests()} == set(self.requests)
        assert len(self.machine.ledger.digests()) == len(self.asked)


TestForgetting = Forgetting.TestCase
TestForgetting.settings = settings(max_examples=20, stateful_step_count=12)
