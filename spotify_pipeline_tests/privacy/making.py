"""Short ways for tests to keep lists, ask for erasures and look into files."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl

from spotify_pipeline.customer_list import Layout, Manifest, SnapshotStore, build_customer_list, write_identifiers
from spotify_pipeline.privacy import ErasureLedger, GivenIdentifier, read_identifiers
from spotify_pipeline.rows import DigestSet, Suppressions
from spotify_pipeline.state import StateStore
from spotify_pipeline_tests.customer_list.making import EMAIL_ONLY, NOW, emails
from spotify_pipeline_tests.on_disk import on_disk


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def people(*lines: str) -> list[GivenIdentifier]:
    return read_identifiers(io.BytesIO("\n".join(lines).encode()), region="SE")


def address(name: str) -> str:
    return f"{name}@example.com"


class Clock:
    """Every look is a second later."""

    def __init__(self) -> None:
        self._now = NOW

    def __call__(self) -> datetime:
        self._now += timedelta(seconds=1)
        return self._now


class Machine:
    """One machine's store and ledger, and what Spotify has of its audiences: whole lists, by audience."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.clock = Clock()
        self.store = SnapshotStore(home / "data")
        self.state = StateStore.in_home(home)
        self.ledger = ErasureLedger(self.state, clock=self.clock)
        self.at_spotify: dict[str, frozenset[str]] = {}
        self.live: dict[str, set[str]] = {}

    def build(self, audience: str, snapshot: str, names: Iterable[str], layout: Layout = Layout.WIDE) -> Manifest:
        """A list of these people without those whom the ledger names, beside the identifiers it is made of."""
        table = emails(*sorted(address(name) for name in names))
        return self.keep(audience, snapshot, [table], layout, self.ledger.digests())

    def keep(
        self, audience: str, snapshot: str, tables: Sequence[pl.DataFrame], layout: Layout, erased: DigestSet
    ) -> Manifest:
        identifiers = on_disk(self.store.identifiers_path(audience, snapshot))
        return build_customer_list(
            identifiers,
            write_identifiers(tables, EMAIL_ONLY, identifiers),
            on_disk(self.store.list_path(audience, snapshot)),
            layout=layout,
            audience=audience,
            snapshot=snapshot,
            built_at=self.clock(),
            suppressions=Suppressions({"erasure": erased}),
        )

    def mirror(self, audience: str, snapshot: str) -> None:
        """What a run does that sends the list, and is told that Spotify has it."""
        decided_at = self.clock()
        manifest = self.store.manifest(audience, snapshot)
        self.at_spotify[audience] = self.cells(audience, snapshot)
        self.live[audience] = {manifest.sha256}
        self.ledger.done(audience, decided_at=decided_at)

    def cells(self, audience: str, snapshot: str) -> frozenset[str]:
        """The digests in a list."""
        return frozenset(on_disk(self.store.list_path(audience, snapshot)).read_text().splitlines()[1:])

    def lists(self) -> dict[Path, bytes]:
        """All that is kept of lists and identifiers."""
        return {file: file.read_bytes() for file in (self.home / "data").rglob("*") if file.is_file()}

    def files_with(self, text: str) -> list[str]:
        """Every file of this machine that holds ``text``, but for the ledger's own."""
        files: Callable[[str], Iterable[Path]] = self.home.rglob
        return sorted(
            str(file.relative_to(self.home))
            for file in files("*")
            if file.is_file() and not file.name.startswith("state.") and text.encode() in file.read_bytes()
        )


def three_audiences(folder: Path) -> Machine:
    """`lapsed` has ada in both lists, `loyal` in neither, `new` was never sent."""
    machine = Machine(folder)
    machine.build("lapsed", "1", ["ada", "bob"])
    machine.build("lapsed", "2", ["ada", "eve"])
    machine.mirror("lapsed", "2")
    machine.build("loyal", "1", ["bob", "eve"])
    machine.mirror("loyal", "1")
    machine.build("new", "1", ["bob"])
    return machine
