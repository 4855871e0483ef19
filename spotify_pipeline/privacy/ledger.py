"""The ledger of people who asked to be forgotten, as digests: they stay out of every list, for good.

Below one private directory::

    ledger.json             every request: when, until when, which audiences it waits for, SHA-256 of its digests' file
    <request>.digests.json  the digests of one request, by what they were given as

A request's digests are durable before the ledger names them, so who reads needs no lock. A file that is missing or not
as the ledger says is an error and not an empty list: a run that sends must stop then. Where nobody ever asked, there
is no directory, so keep it in the backup of this machine. A request that was taken back stays, without its digests.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import polars as pl
from pydantic import AwareDatetime, ConfigDict, StringConstraints, TypeAdapter, ValidationError

from spotify_pipeline.home import atomic_private_file
from spotify_pipeline.identity import RULES_VERSION, identifier_types
from spotify_pipeline.locks import exclusive
from spotify_pipeline.privacy.errors import ErasureError, LedgerError
from spotify_pipeline.privacy.identifiers import DIGEST, GivenIdentifier
from spotify_pipeline.rows import DigestSet

FORMAT = 2
_INDEX = "ledger.json"
_LOCK = ".lock"
_TURN = ".forget.lock"
_DIGESTS = ".digests.json"
_Id = Annotated[str, StringConstraints(pattern=r"^erasure-[0-9]{4}-[0-9]{2}-[0-9]{2}-[0-9a-f]{8}$")]


@dataclass(frozen=True, kw_only=True)
class Attribution:
    """A person's word: who gave it, as they call themselves, and when, UTC."""

    by: str
    at: AwareDatetime

    __pydantic_config__ = ConfigDict(extra="forbid")


@dataclass(frozen=True, kw_only=True)
class ErasureRequest:
    """One call to forget somebody.

    Attributes:
        id: ``erasure-<date>-<random>``; says nothing of anybody.
        requested_at: when, UTC.
        deadline: by when every audience is to be without them, UTC.
        identifiers: how many were given.
        waiting: audiences that may still hold them at Spotify, in alphabetical order.
        in_force_at: from then on every reader found it in the ledger, UTC; None while that is not known.
        digests_sha256: of the file of its digests; empty once they are gone.
        confirmed: who confirmed that it is meant, although it takes a large share of an audience; None where
            that was not needed.
        taken_back: who took it back; its digests are gone then, and it waits for nothing.
        rules_version: of the identity rules by which its identifiers were read. What an older version read of a damaged
            one may be somebody else's.
    """

    id: _Id
    requested_at: AwareDatetime
    deadline: AwareDatetime
    identifiers: int
    waiting: tuple[str, ...]
    in_force_at: AwareDatetime | None = None
    digests_sha256: str
    confirmed: Attribution | None = None
    taken_back: Attribution | None = None
    rules_version: int

    __pydantic_config__ = ConfigDict(extra="forbid")


@dataclass(frozen=True, kw_only=True)
class _Index:
    requests: tuple[ErasureRequest, ...] = ()
    format: int = FORMAT

    __pydantic_config__ = ConfigDict(extra="forbid")


class ErasureLedger:
    """The requests below one directory. Every method raises ``LedgerError`` where they cannot be trusted."""

    def __init__(self, directory: Path, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        """``directory`` need not exist; the first request makes it. ``clock`` gives the time, with its zone."""
        self._directory = directory
        self._clock = clock

    @classmethod
    def in_home(cls, home: Path) -> ErasureLedger:
        """The ledger in the project's own directory."""
        return cls(home / "erasures")

    def requests(self) -> list[ErasureRequest]:
        """All requests ever made, oldest first."""
        return sorted(self._index().requests, key=lambda each: (each.requested_at, each.id))

    def unnamed_digests(self) -> list[Path]:
        """Files of digests of which no request tells: the ledger is older than they are, or a `forget` was killed."""
        files = sorted(self._directory.glob(f"[!.]*{_DIGESTS}"))
        named = {self._digests_file(each) for each in self.requests()}
        return [each for each in files if each not in named]

    def by_older_rules(self) -> list[ErasureRequest]:
        """Those whose identifiers were read by an older version of the identity rules, oldest first.

        One that was entered in a damaged form, which the rules read otherwise now, has to be entered again. Which was,
        nobody can tell: only digests are kept.
        """
        return [each for each in self.requests() if each.taken_back is None and each.rules_version < RULES_VERSION]

    def waiting(self, audience: str) -> list[ErasureRequest]:
        """Those that wait for ``audience`` to be mirrored, oldest first."""
        return [each for each in self.requests() if audience in each.waiting]

    def digests(self) -> DigestSet:
        """The digests of all requests that were not taken back."""
        return DigestSet.of(*(pl.Series(digests, dtype=pl.String) for _, digests in self._all_digests()))

    def watched_digests(self) -> Callable[[], DigestSet]:
        """What gives the same as ``digests`` whenever it is asked, and reads again only if the ledger has changed."""
        known: list[tuple[list[ErasureRequest], DigestSet]] = []

        def digests() -> DigestSet:
            requests = self.requests()
            if not known or known[0][0] != requests:
                known[:] = [(requests, self.digests())]
            return known[0][1]

        return digests

    def confirmed_digests(self) -> DigestSet:
        """Those of confirmed requests: a list may lose these people, however many they are."""
        confirmed = (digests for request, digests in self._all_digests() if request.confirmed is not None)
        return DigestSet.of(*(pl.Series(digests, dtype=pl.String) for digests in confirmed))

    def requests_with(self, digests: Collection[str]) -> dict[str, list[ErasureRequest]]:
        """The requests that hold each of these digests, oldest first; digests that none holds are left out."""
        wanted = frozenset(digests)
        found: dict[str, list[ErasureRequest]] = {}
        for request, held in self._all_digests():
            for each in wanted.intersection(held):
                found.setdefault(each, []).append(request)
        return found

    def turn(self) -> AbstractContextManager[int]:
        """Keeps other calls to forget somebody waiting: two that rewrote one list could bring back each other's people.

        Raises:
            HomeError: the ledger's directory cannot be used.
        """
        return exclusive(self._directory / _TURN)

    def record(
        self,
        people: Sequence[GivenIdentifier],
        *,
        requested_at: datetime,
        deadline: datetime,
        waiting: Collection[str],
        confirmed: Attribution | None = None,
    ) -> ErasureRequest:
        """Make a request durable: when this returns, it survives a crash, and every reader finds it.

        Args:
            people: at least one identifier.
            requested_at, deadline: with a time zone.
            waiting: audiences that may hold them.
            confirmed: who confirmed that it is meant, if anybody did.
        """
        by_type: dict[str, list[str]] = {name: [] for name in (*identifier_types(), DIGEST)}
        for each in people:
            by_type[each.given_as] += each.digests
        content = json.dumps({kind: sorted(set(digests)) for kind, digests in by_type.items()}).encode()
        request = ErasureRequest(
            id=f"erasure-{requested_at.astimezone(UTC):%Y-%m-%d}-{secrets.token_hex(4)}",
            requested_at=requested_at.astimezone(UTC),
            deadline=deadline.astimezone(UTC),
            identifiers=len({each.digests for each in people}),
            waiting=tuple(sorted(set(waiting))),
            digests_sha256=hashlib.sha256(content).hexdigest(),
            confirmed=confirmed,
            rules_version=RULES_VERSION,
        )
        with exclusive(self._directory / _LOCK):
            index = self._index()
            if not (self._directory / _INDEX).exists():
                # Else a crash after the first digests would look like a ledger that was lost.
                self._write(index)
            with atomic_private_file(self._digests_file(request)) as file:
                file.write(content)
            self._write(_Index(requests=(*index.requests, request)))
        return request

    def settle(self, request: ErasureRequest, *, waiting: Collection[str], in_force_at: datetime) -> ErasureRequest:
        """Say for which audiences a recorded request waits, once that is known; what is done meanwhile stays done.

        Args:
            request: as ``record`` gave it.
            waiting: audiences that hold them, or may.
            in_force_at: a time after ``record`` returned.
        """
        with exclusive(self._directory / _LOCK):
            index = self._index()
            settled = [
                replace(
                    each,
                    waiting=tuple(sorted({*waiting} - ({*request.waiting} - {*each.waiting}))),
                    in_force_at=in_force_at.astimezone(UTC),
                )
                for each in index.requests
                if each.id == request.id
            ]
            others = [each for each in index.requests if each.id != request.id]
            self._write(_Index(requests=(*others, *settled)))
        return settled[0]

    def take_back(self, request_id: str, *, by: str) -> ErasureRequest:
        """Let the people of a request back in, until its deadline; done twice, it changes nothing.

        The request stays, with who took it back and when. Its digests, and what could be one of them, are gone.

        Raises:
            ErasureError: there is no such request, or its deadline has passed. Nothing was changed.
        """
        with self.turn(), exclusive(self._directory / _LOCK):
            index = self._index()
            found = next((each for each in index.requests if each.id == request_id), None)
            if found is None:
                raise ErasureError(
                    "The ledger of erasures has no such request. Nothing was changed. `spotify-pipeline erasures` "
                    "lists them."
                )
            now = self._clock().astimezone(UTC)
            if found.taken_back is None and found.deadline <= now:
                raise ErasureError(
                    f"{found.id} was due on {found.deadline:%Y-%m-%d}: it can be taken back only until then, and it "
                    "stands. Nothing was changed."
                )
            word = found.taken_back or Attribution(by=by, at=now)
            gone = replace(found, waiting=(), digests_sha256="", taken_back=word)
            others = [each for each in index.requests if each.id != found.id]
            # The ledger first: digests that it does not name count for nothing, and a missing file would stop all runs.
            self._write(_Index(requests=(*others, gone)))
            self._digests_file(gone).unlink(missing_ok=True)
        return gone

    def done(self, audience: str, *, decided_at: datetime) -> list[ErasureRequest]:
        """Take ``audience`` off the requests that were in force when it was decided what it is to hold; those requests.

        Args:
            audience: that Spotify now holds as was decided.
            decided_at: a time before the ledger was read for that decision.
        """
        if not self.waiting(audience):
            return []
        changed: list[ErasureRequest] = []
        with exclusive(self._directory / _LOCK):
            requests: list[ErasureRequest] = []
            for each in self._index().requests:
                kept = each
                if audience in each.waiting and each.in_force_at is None:
                    # The process that recorded it was killed. It is in force by now; the next mirror finds it so.
                    kept = replace(each, in_force_at=self._clock().astimezone(UTC))
                elif audience in each.waiting and each.in_force_at is not None and each.in_force_at < decided_at:
                    kept = replace(each, waiting=tuple(name for name in each.waiting if name != audience))
                    changed.append(kept)
                requests.append(kept)
            self._write(_Index(requests=tuple(requests)))
        return changed

    def _index(self) -> _Index:
        file = self._directory / _INDEX
        try:
            index = _INDEX_TYPE.validate_json(file.read_bytes())
        except FileNotFoundError:
            if any(self._directory.glob(f"[!.]*{_DIGESTS}")):
                raise self._broken(f"{_INDEX} is missing") from None
            return _Index()
        except OSError:
            raise self._broken(f"{_INDEX} cannot be read") from None
        except ValidationError:
            raise self._broken(f"{_INDEX} is damaged, or of another version of this project") from None
        if index.format != FORMAT:
            raise self._broken(f"{_INDEX} is of another version of this project")
        return index

    def _write(self, index: _Index) -> None:
        with atomic_private_file(self._directory / _INDEX) as file:
            file.write(_INDEX_TYPE.dump_json(index, indent=1))

    def _all_digests(self) -> Iterator[tuple[ErasureRequest, list[str]]]:
        for request in self.requests():
            if request.taken_back is not None:
                continue
            name = self._digests_file(request).name
            try:
                content = (self._directory / name).read_bytes()
            except FileNotFoundError:
                if any(each.id == request.id and each.taken_back is not None for each in self._index().requests):
                    continue  # since the ledger was read
                raise self._broken(f"{name} is missing") from None
            except OSError:
                raise self._broken(f"{name} cannot be read") from None
            if hashlib.sha256(content).hexdigest() != request.digests_sha256:
                raise self._broken(f"{name} is not what was written")
            by_type: dict[str, list[str]] = json.loads(content)
            yield request, [each for digests in by_type.values() for each in digests]

    def _digests_file(self, request: ErasureRequest) -> Path:
        return self._directory / f"{request.id}{_DIGESTS}"

    def _broken(self, what: str) -> LedgerError:
        return LedgerError(
            f"The ledger of erasures in {self._directory} cannot be trusted: {what}. Nothing was sent, because people "
            "who asked to be forgotten could be in it. Restore that directory from a backup, then run again."
        )


_INDEX_TYPE: TypeAdapter[Any] = TypeAdapter(_Index)
