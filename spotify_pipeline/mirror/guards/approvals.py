"""Stores the approvals that people gave. Each is used once, and kept forever as a record.

One private JSON file per ad account and audience: ``<ad account>/<audience>.json``. It holds file digests, names of
those who approved and their reasons; no identifier.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic import ConfigDict, TypeAdapter, ValidationError

from spotify_pipeline.home import HomeError, atomic_private_file
from spotify_pipeline.locks import exclusive
from spotify_pipeline.mirror.errors import MirrorRefused
from spotify_pipeline.mirror.guards.approval import Approval, ApprovalSource

APPROVAL_LIFE = timedelta(hours=24)
"""How long an approval holds."""
FORMAT = 1
_AUDIENCE = re.compile(r"[a-z0-9_]{1,63}", re.ASCII)
_AD_ACCOUNT = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)


class ApprovalRefused(MirrorRefused):
    """An approval cannot be given, found or used; the message says why and what to do. Nothing was sent."""


@dataclass(frozen=True, kw_only=True)
class _Record:
    """What the file of an audience holds; approvals in the order in which they came."""

    approvals: tuple[Approval, ...] = ()
    format: int = FORMAT

    __pydantic_config__ = ConfigDict(extra="forbid")


class ApprovalStore:
    """The approvals of all audiences, below one directory.

    Every method raises ``ApprovalRefused`` for a name that is not one, before it touches a file, and for a file that is
    damaged; and ``HomeError`` where a file cannot be read or written.
    """

    def __init__(self, directory: Path) -> None:
        """``directory`` need not exist. What is written below it makes it, private."""
        self._directory = directory

    @classmethod
    def in_home(cls, home: Path) -> ApprovalStore:
        """Those in the project's own directory."""
        return cls(home / "approvals")

    def give(self, approval: Approval) -> None:
        """Keep an approval for the run that will need it. It is durable when this returns.

        Raises:
            ApprovalRefused: it could never be used: no list has such a digest, or it is used or has no life.
        """
        if not approval.is_for_one_thing or not _DIGEST.fullmatch(approval.file_sha256 or "0" * 64):
            raise ApprovalRefused(
                f"Invalid digest in the approval for {approval.audience}: use 64 characters of 0-9 and a-f. Nothing "
                "was approved. Copy the digest from the message that held the list back."
            )
        if approval.used_at is not None or _moment(approval.expires_at) <= _moment(approval.approved_at):
            raise ApprovalRefused(
                f"An approval for {approval.audience} is over before it is given. Nothing was approved. Give one that "
                "is not used and expires later than now."
            )
        self._change(approval, lambda kept: (*kept, approval))

    def standing(
        self, audience: str, ad_account_id: str, file_sha256: str, now: datetime, *, going_on: bool
    ) -> list[Approval]:
        """The approvals that may hold for a list now, in the order in which they are to be tried.

        Those for the very list come before those for a change or other rules, and of each the newest first.

        Args:
            audience: the audience's folder name.
            ad_account_id: where the list is to be sent.
            file_sha256: of the list.
            now: with a time zone.
            going_on: the sending of this very list was begun and is not finished. Then an approval that was used for
                it holds on, and is preferred, so that no second one is used up.
        """
        fit = [
            each
            for each in reversed(self.history(audience, ad_account_id))
            if each.may_be_for(file_sha256, going_on=going_on) and now < _moment(each.expires_at)
        ]
        return sorted(fit, key=lambda each: (each.used_at is None, each.file_sha256 is None))

    def use(self, approval: Approval, now: datetime, *, file_sha256: str | None = None) -> None:
        """Mark an approval from ``standing`` as used for a list. Of two that try, one succeeds.

        Raises:
            ApprovalRefused: it was used meanwhile, has expired, or was never given.
        """

        def used(kept: Sequence[Approval]) -> tuple[Approval, ...]:
            if approval.used_at is not None or approval not in kept or now >= _moment(approval.expires_at):
                raise _not_standing(approval)
            at = len(kept) - 1 - kept[::-1].index(approval)
            return (*kept[:at], _used(approval, now, file_sha256), *kept[at + 1 :])

        self._change(approval, used)

    def use_given(self, approval: Approval, now: datetime, *, file_sha256: str | None = None) -> None:
        """Record an approval that was given in this very run, as used.

        Raises:
            ApprovalRefused: it has expired, or it is of a run config that was used for this list before: somebody ran
                the run again, and nobody approved again.
        """

        def recorded(kept: Sequence[Approval]) -> tuple[Approval, ...]:
            if now >= _moment(approval.expires_at) or spent_before(approval, kept):
                raise _not_standing(approval)
            return (*kept, _used(approval, now, file_sha256))

        self._change(approval, recorded)

    def history(self, audience: str, ad_account_id: str) -> list[Approval]:
        """All approvals that were ever given, the oldest first."""
        return list(_read(self._file(audience, ad_account_id), audience).approvals)

    def _change(self, of: Approval, changed: Callable[[tuple[Approval, ...]], tuple[Approval, ...]]) -> None:
        file = self._file(of.audience, of.ad_account_id)
        with exclusive(file.with_suffix(".lock")):
            record = _Record(approvals=changed(_read(file, of.audience).approvals))
            with atomic_private_file(file) as opened:
                opened.write(json.dumps(asdict(record), indent=1).encode())

    def _file(self, audience: str, ad_account_id: str) -> Path:
        if not _AUDIENCE.fullmatch(audience) or not _AD_ACCOUNT.fullmatch(ad_account_id):
            raise ApprovalRefused(
                f"Invalid audience {audience!r} or ad account {ad_account_id!r}: an audience has a name of 1 to 63 "
                "characters of a-z, 0-9 and _, and an ad account has an id. Nothing was sent. Correct the name."
            )
        return self._directory / ad_account_id / f"{audience}.json"


def spent_before(approval: Approval, history: Sequence[Approval]) -> bool:
    """Whether an approval is one of a run config that was used already: for the same list, or in the same words."""
    if approval.source is not ApprovalSource.RUN_CONFIG:
        return False
    used = [each for each in history if each.source is ApprovalSource.RUN_CONFIG and each.used_at is not None]
    return any(_same_word(each, approval) for each in used)


def _same_word(one: Approval, other: Approval) -> bool:
    if one.change is None or other.change is None:
        return one.file_sha256 == other.file_sha256 and one.change == other.change
    return (one.change.within, one.reason, one.approved_by) == (other.change.within, other.reason, other.approved_by)


def _read(file: Path, audience: str) -> _Record:
    try:
        record = _RECORD.validate_json(file.read_bytes())
    except FileNotFoundError:
        return _Record()
    except OSError as error:
        raise HomeError(
            f"The approvals of {audience} ({file}) cannot be read: {error.strerror}. Nothing was sent. Check the "
            "file's owner, then run again."
        ) from None
    except ValidationError:
        record = None
    if record is None or record.format != FORMAT:
        raise ApprovalRefused(
            f"The approvals of {audience} ({file}) are damaged or of another version of this project. Nothing was "
            "sent. Restore the file from a backup or move it away: approvals not used yet are then to be given again."
        )
    return record


def _used(approval: Approval, now: datetime, file_sha256: str | None) -> Approval:
    return replace(approval, used_at=now.astimezone(UTC).isoformat(), used_for=file_sha256 or approval.file_sha256)


def _not_standing(approval: Approval) -> ApprovalRefused:
    return ApprovalRefused(
        f"The approval of {approval.approved_at} for {approval.audience} does not hold any more: it has been used "
        "already, or has expired. Nothing was sent. Approve the list again if it is to be sent all the "
        "same."
    )


def _moment(stated: str) -> datetime:
    return datetime.fromisoformat(stated)


_RECORD = TypeAdapter(_Record)
