"""Stores the approvals that people gave. Each is used once, and kept forever as a record.

A row of the state holds one: digests of files, who approved and why; no identifier. Its use is one change of that row,
so of two that try, one succeeds, on any machine.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from spotify_pipeline.mirror.errors import MirrorRefused
from spotify_pipeline.mirror.guards.approval import Approval, ApprovalSource
from spotify_pipeline.state import Document, StateStore, insert_missing
from spotify_pipeline.state import tables as state

APPROVAL_LIFE = timedelta(hours=24)
"""How long an approval holds."""
_AUDIENCE = re.compile(r"[a-z0-9_]{1,63}", re.ASCII)
_AD_ACCOUNT = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)


class ApprovalRefused(MirrorRefused):
    """An approval cannot be given, found or used; the message says why and what to do. Nothing was sent."""


class ApprovalStore:
    """The approvals of all audiences.

    A method raises ``ApprovalRefused`` for a name that is not one, and ``StateError`` where the state cannot be used.
    """

    def __init__(self, store: StateStore) -> None:
        self._store = store

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
        _require_name(approval.audience, approval.ad_account_id)
        with self._store.begin() as transaction:
            transaction.execute(state.approval.insert().values(_row(approval)))

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

    def use(
        self, approval: Approval, now: datetime, *, file_sha256: str | None = None, within: sa.Connection | None = None
    ) -> None:
        """Mark an approval from ``standing`` as used for a list. Of two that try, one succeeds.

        ``within``: the caller's transaction in the state; by default one of its own.

        Raises:
            ApprovalRefused: it was used meanwhile, has expired, or was never given.
        """
        if approval.used_at is not None or now >= _moment(approval.expires_at):
            raise _not_standing(approval)
        used = _used(approval, now, file_sha256)
        with self._store.begin(within) as transaction:
            unused = _rows_of(approval.audience, approval.ad_account_id).where(state.approval.c.used_at.is_(None))
            same = [row.id for row in transaction.execute(unused.with_for_update()) if _approval(row) == approval]
            row = state.approval.update().where(state.approval.c.id.in_(same[-1:]), state.approval.c.used_at.is_(None))
            if transaction.execute(row.values(used_at=used.used_at, used_for=used.used_for)).rowcount != 1:
                raise _not_standing(approval)

    def use_given(
        self, approval: Approval, now: datetime, *, file_sha256: str | None = None, within: sa.Connection | None = None
    ) -> None:
        """Record an approval that was given in this very run, as used. ``within`` is as of ``use``.

        Raises:
            ApprovalRefused: it has expired, or it is of a run config that was used for this list before: somebody ran
                the run again, and nobody approved again.
        """
        _require_name(approval.audience, approval.ad_account_id)
        if now >= _moment(approval.expires_at):
            raise _not_standing(approval)
        with self._store.begin(within) as transaction:
            if not insert_missing(transaction, state.approval, _row(_used(approval, now, file_sha256))):
                raise _not_standing(approval)

    def take_over(self, approval: Approval, within: sa.Connection) -> None:
        """Keep an approval as it is, used or not, from where approvals were kept before."""
        _require_name(approval.audience, approval.ad_account_id)
        within.execute(state.approval.insert().values(_row(approval)))

    def history(self, audience: str, ad_account_id: str) -> list[Approval]:
        """All approvals that were ever given, the oldest first."""
        _require_name(audience, ad_account_id)
        with self._store.read() as transaction:
            return [_approval(row) for row in transaction.execute(_rows_of(audience, ad_account_id))]


def spent_before(approval: Approval, history: Sequence[Approval]) -> bool:
    """Whether an approval is one of a run config that was used already: for the same list, or in the same words."""
    word = _once(approval)
    return word is not None and any(_once(each) == word for each in history if each.used_at is not None)


def _once(approval: Approval) -> str | None:
    """Digest of what an approval of a run config is for, which may be used once; None for another."""
    if approval.source is not ApprovalSource.RUN_CONFIG:
        return None
    said: list[object] = [approval.file_sha256]
    if approval.change is not None:
        within = {
            guard: {of: float(share) for of, share in shares.items()}
            for guard, shares in approval.change.within.items()
        }
        said = [within, approval.reason, approval.approved_by]
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def _rows_of(audience: str, ad_account_id: str) -> sa.Select[Any]:
    rows = state.approval
    of = rows.c.ad_account_id == ad_account_id, rows.c.audience == audience
    return sa.select(rows).where(*of).order_by(rows.c.id)


def _row(approval: Approval) -> dict[str, Any]:
    return {
        "ad_account_id": approval.ad_account_id,
        "audience": approval.audience,
        "content": _CONTENT.text(replace(approval, used_at=None, used_for=None)),
        "used_at": approval.used_at,
        "used_for": approval.used_for,
        "once": _once(approval) if approval.used_at is not None else None,
    }


def _approval(row: sa.Row[Any]) -> Approval:
    return replace(_CONTENT.value(row.content), used_at=row.used_at, used_for=row.used_for)


def _require_name(audience: str, ad_account_id: str) -> None:
    if not _AUDIENCE.fullmatch(audience) or not _AD_ACCOUNT.fullmatch(ad_account_id):
        raise ApprovalRefused(
            f"Invalid audience {audience!r} or ad account {ad_account_id!r}: an audience has a name of 1 to 63 "
            "characters of a-z, 0-9 and _, and an ad account has an id. Nothing was sent. Correct the name."
        )


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


_CONTENT = Document(Approval, version=1, called="an approval")
