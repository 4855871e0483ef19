"""Tells a person what is wrong with an audience: each change once, not once per run, and daily while it stays wrong.

One small JSON file per audience and kind of alert says how things stand and what was told last; an alert is due while
the two differ, and again a day after it was told, as long as something is wrong. It counts as told only once its
delivery is known, so a crash in between repeats it: never none.
Sentences hold names, counts and dates; no identifier and no digest.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path

from pydantic import ConfigDict, TypeAdapter, ValidationError

from spotify_pipeline.home import HomeError, atomic_private_file
from spotify_pipeline.locks import exclusive
from spotify_pipeline.mirror.journal import Moment

FORMAT = 1
AGAIN = timedelta(days=1)
"""After so long, what is still wrong is told again: who was told once may have missed it, and lists age meanwhile."""
DAMAGED = "record damaged"
_LOCK = ".lock"
_AUDIENCE = re.compile(r"[a-z0-9_]{1,63}(\.[0-9]{1,4}|\.lookalike)?", re.ASCII)


class AlertKind(StrEnum):
    """What an alert is about. The value is in file names."""

    BLOCKED = "blocked"
    """A guard keeps lists from being sent."""
    ERASURE_DUE = "erasure_due"
    """Somebody who asked to be forgotten is still in the audience at Spotify."""
    ORPHAN = "orphan"
    """The audience is at Spotify and not in the configuration."""
    RETENTION = "retention"
    """Files of people are older than they may be."""


@dataclass(frozen=True, kw_only=True)
class Alert:
    """How one thing about an audience stands, to be told to a person.

    Attributes:
        audience: the audience's folder name, or the journal's key of a part of it or of its lookalike.
        kind: what it is about.
        codes: what is wrong, in words that stay the same from run to run; empty when it is over.
        sentence: for a person.
        since: when it began to stand so. ISO 8601 with its offset.
    """

    audience: str
    kind: AlertKind
    codes: tuple[str, ...]
    sentence: str
    since: Moment

    @property
    def resolved(self) -> bool:
        """Whether it says that something is over."""
        return not self.codes


@dataclass(frozen=True, kw_only=True)
class _Record:
    """What the file of an audience and kind holds.

    Attributes:
        now: how things stand.
        told: the codes that were told last; none at first, as nobody expects anything to be wrong.
        told_at: when that was; None where nothing was told yet.
        unsure: something else may have been told since: its delivery began and is not known to have ended.
        format: version of this record.
    """

    now: Alert
    told: tuple[str, ...] = ()
    told_at: Moment | None = None
    unsure: bool = False
    format: int = FORMAT

    __pydantic_config__ = ConfigDict(extra="forbid")

    def due(self, now: datetime) -> bool:
        """Whether it is to be told now."""
        if self.unsure or self.told != self.now.codes:
            return True
        if not self.now.codes:
            return False
        return self.told_at is None or now - datetime.fromisoformat(self.told_at) >= AGAIN


class Alerts:
    """The alerts of all audiences, below one directory."""

    def __init__(self, directory: Path, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        """``directory`` need not exist; what is written makes it, private. ``clock`` gives the time, with its zone."""
        self._directory = directory
        self._clock = clock

    @classmethod
    def in_home(cls, home: Path) -> Alerts:
        """Those in the project's own directory."""
        return cls(home / "alerts")

    def state(self, audience: str, kind: AlertKind, codes: Sequence[str], sentence: str, now: datetime) -> None:
        """Say how things stand: ``codes`` for what is wrong, in any order; none where nothing is, or no longer.

        Saying the same again makes no alert, whatever the sentence. A damaged record is replaced, and its
        alert becomes due: better twice than never.

        Raises:
            HomeError: it cannot be written.
            ValueError: the audience's name is not one, or ``now`` has no time zone.
        """
        if now.tzinfo is None:
            raise ValueError("The time of an alert needs a time zone.")
        since = now.astimezone(UTC).isoformat()
        stated = Alert(
            audience=audience, kind=kind, codes=tuple(sorted(set(codes))), sentence=sentence.strip(), since=since
        )
        file = self._file(audience, kind)
        with exclusive(self._directory / _LOCK):
            before = _read(file)
            if before is None:
                if file.exists():
                    _write(file, _Record(now=stated, unsure=True))
                elif stated.codes:
                    _write(file, _Record(now=stated))
                return
            if before.now.codes == stated.codes:
                # A newer sentence ("5 days left") is worth telling with an alert that is due anyway.
                stated = replace(stated, since=before.now.since)
            if before.now != stated:
                _write(file, replace(before, now=stated))

    def due(self) -> list[Alert]:
        """What is to be told, by audience and kind: what changed, and what was told a day ago and stands.

        Where a record cannot be read, its alert may stand: that is told, last, until the next ``state``.
        """
        records, damaged = self._records()
        now = self._clock()
        return [*(each.now for each in records if each.due(now)), *damaged]

    def standing(self) -> list[Alert]:
        """All that is wrong now, told or not, by audience and kind; last, what may be, as its record is damaged."""
        records, damaged = self._records()
        return [*(each.now for each in records if each.now.codes), *damaged]

    def damaged(self) -> list[Path]:
        """The files that cannot be read, are of another version, or are no alert's."""
        return [file for file in self._files() if _named(file) is None or _read_or_none(file) is None]

    def telling(self, alert: Alert) -> None:
        """Note that the delivery of ``alert`` begins. From here on something is due until it is ``told``.

        Raises:
            HomeError: it cannot be written; then do not deliver it.
        """
        self._change(alert, unsure=True)

    def told(self, alert: Alert) -> None:
        """Note that ``alert`` was delivered. What has changed since stays due.

        Raises:
            HomeError: it cannot be written; the alert is then delivered again.
        """
        self._change(alert, unsure=False)

    def _change(self, alert: Alert, *, unsure: bool) -> None:
        file = self._file(alert.audience, alert.kind)
        with exclusive(self._directory / _LOCK):
            record = _read(file)
            if record is None and file.exists():
                record = _Record(now=alert)  # it was damaged, and that is what is told
            if record is not None:
                if not unsure:
                    record = replace(record, told=alert.codes, told_at=self._clock().isoformat())
                _write(file, replace(record, unsure=unsure))

    def _files(self) -> list[Path]:
        return sorted(self._directory.glob("[!.]*.json")) if self._directory.is_dir() else []

    def _records(self) -> tuple[list[_Record], list[Alert]]:
        """What can be read, and an alert for each file of one that cannot."""
        records: list[_Record] = []
        damaged: list[Alert] = []
        for file in self._files():
            record, named = _read_or_none(file), _named(file)
            if record is not None:
                records.append(record)
            elif named is not None:
                damaged.append(_of_damaged(file, *named))
        return records, damaged

    def _file(self, audience: str, kind: AlertKind) -> Path:
        if not _AUDIENCE.fullmatch(audience):
            raise ValueError("An alert is of an audience, named by 1 to 63 characters of a-z, 0-9 and _.")
        return self._directory / f"{audience}.{kind.value}.json"


def _read(file: Path) -> _Record | None:
    """What the file says; None where there is none, or it is damaged or of another version."""
    try:
        record = _RECORD.validate_json(file.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise HomeError(
            f"The alert {file} cannot be read: {error.strerror}. Check its owner, then run again."
        ) from None
    except ValidationError:
        return None
    return record if record.format == FORMAT else None


def _read_or_none(file: Path) -> _Record | None:
    try:
        return _read(file)
    except HomeError:
        return None


def _named(file: Path) -> tuple[str, AlertKind] | None:
    """The audience and the kind of alert that a file is named after; None where it is no alert's."""
    audience, _, kind = file.stem.rpartition(".")
    if not _AUDIENCE.fullmatch(audience) or kind not in set(AlertKind):
        return None
    return audience, AlertKind(kind)


def _of_damaged(file: Path, audience: str, kind: AlertKind) -> Alert:
    return Alert(
        audience=audience,
        kind=kind,
        codes=(DAMAGED,),
        sentence=f"The record of an alert about {audience} ({kind.value.replace('_', ' ')}) is damaged ({file}), so it "
        "is not known whether it still stands. Look at the audience; its next run, or the job "
        "spotify_watch_audiences, says how it stands.",
        since=datetime.now(UTC).isoformat(),
    )


def _write(file: Path, record: _Record) -> None:
    with atomic_private_file(file) as opened:
        opened.write(json.dumps(asdict(record), indent=1).encode())


_RECORD = TypeAdapter(_Record)
