"""The guards of an audience's list, as its YAML and this machine's state make them; and the alert when they block."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import UTC, datetime

import sqlalchemy as sa

from spotify_pipeline.components.audiences.definition import AudienceDefinition
from spotify_pipeline.components.resources import PipelineHome
from spotify_pipeline.customer_list import ComparedList, MembershipChange, Reasons, SentVersion, StoredList, WrittenRows
from spotify_pipeline.home import HomeError
from spotify_pipeline.mirror import (
    AlertKind,
    Approval,
    Decision,
    GuardBlocked,
    JournalEntry,
    JournalError,
    StaleStateCheck,
    parts_known,
)
from spotify_pipeline.mirror.guards import ListGuard, without_history
from spotify_pipeline.mirror.receipts import AcceptedList, compared_with
from spotify_pipeline.mirror.sync import unknown_audience
from spotify_pipeline.privacy import ErasureError, erasure_alert


def list_guard(
    audience: AudienceDefinition,
    home: PipelineHome,
    ad_account_id: str,
    customer_list: StoredList,
    *,
    given: Approval | None = None,
    went_back_to: AcceptedList | None = None,
    written: WrittenRows | None = None,
) -> ListGuard:
    """The guard of one list.

    Args:
        audience: the audience.
        home: what this machine knows.
        ad_account_id: where the list is to be sent.
        customer_list: the list and its manifest.
        given: an approval that was given for it in this very run.
        went_back_to: of a rollback: the list that goes live again, where Spotify had it once.
        written: the rows of the list, where it was just written.
    """
    return ListGuard(
        customer_list=customer_list,
        audience=audience.folder,
        ad_account_id=ad_account_id,
        store=home.snapshots,
        journal=home.journal,
        approvals=home.approvals,
        limits=audience.limits,
        erased=lambda: home.ledger.digests(),
        confirmed=lambda: home.ledger.confirmed_digests(),
        window=audience.config.cadence.window,
        given=given,
        went_back_to=went_back_to,
        split=audience.config.oversize.split,
        own_guards=audience.own_guards,
        now=lambda: datetime.now(UTC),
        written=written,
    )


def predicted(
    audience: AudienceDefinition,
    home: PipelineHome,
    entry: JournalEntry,
    customer_list: StoredList,
    written: WrittenRows | None = None,
) -> Decision:
    """What the guards would decide about a list if it were sent now. Makes no calls to Spotify, and changes nothing.

    ``written`` are its rows, where it was just written.

    Raises:
        GuardBlocked: the list cannot be judged.
    """
    decision = list_guard(audience, home, entry.ad_account_id, customer_list, written=written).judge(entry)
    spec = audience.spec(entry.ad_account_id)
    parts = parts_known(home.journal, audience.folder, entry.ad_account_id)
    keys = [spec.part(number, parts).audience for number in range(1, parts + 1)]
    if spec.adopted_audience_id is not None:
        foreign = unknown_audience(spec, entry, spec.adopted_audience_id)
        decision = without_history(decision, foreign) if foreign is not None else decision
    remembered = StaleStateCheck(journal=home.journal, ad_account_id=entry.ad_account_id, ledger=home.ledger)
    try:
        return remembered.judged(decision, keys)
    except (HomeError, JournalError, ErasureError) as error:
        raise GuardBlocked(f"Whether the list of {audience.folder} may be sent could not be judged: {error}") from None


def lists_compared(audience: AudienceDefinition, home: PipelineHome, ad_account_id: str) -> set[str]:
    """SHA-256 of the lists that the next one is compared with, which have to be kept.

    Raises:
        JournalError, HomeError: what Spotify has cannot be read.
    """
    since = datetime.now(UTC) - audience.config.cadence.window
    return compared_with(home.journal, audience.folder, ad_account_id, since)


def change_since(
    home: PipelineHome, before: SentVersion, customer_list: ComparedList, reasons: Reasons | None = None
) -> MembershipChange:
    """How a list differs from the one before, as the guards compare them: so it is found out once for all.

    Raises:
        CustomerListError: a list cannot be read.
        ErasureError: the ledger of erasures cannot be read.
    """
    erased, confirmed = home.ledger.digests(), home.ledger.confirmed_digests()
    return customer_list.change_since(before, erased=erased, confirmed=confirmed, reasons=reasons)


def live_list(entry: JournalEntry) -> str | None:
    """The SHA-256 of the list that Spotify has, of the whole where it was split; None where nothing was sent."""
    return entry.whole_sha256 or entry.file_sha256


def alert_blocked(
    audience: AudienceDefinition, home: PipelineHome, codes: Sequence[str], sentence: str, log: logging.Logger
) -> None:
    """Have it told that the audience's list is held back. That this fails hides nothing of what holds it back.

    Args:
        audience: the audience.
        home: where alerts and erasures are kept.
        codes: what blocks, in words that stay the same from run to run.
        sentence: for a person.
        log: of the run.
    """
    _state(audience, home, codes, sentence, log)


def alert_resolved(
    audience: AudienceDefinition, home: PipelineHome, log: logging.Logger, within: sa.Connection
) -> None:
    """Have it told, where it was said that the audience is held back, that this is over.

    ``within``: the transaction that says so of the list. An alert that cannot be read does not undo it.
    """
    _state(audience, home, (), f"{audience.folder} is mirrored again: nothing holds its list back.", log, within)


def _state(
    audience: AudienceDefinition,
    home: PipelineHome,
    codes: Sequence[str],
    sentence: str,
    log: logging.Logger,
    within: sa.Connection | None = None,
) -> None:
    now = datetime.now(UTC)
    try:
        home.alerts.state(audience.folder, AlertKind.BLOCKED, codes, sentence, now, within=within)
        waiting = home.ledger.waiting(audience.folder, within=within)
        due, said = erasure_alert(audience.folder, waiting, blocked=bool(codes), now=now)
        home.alerts.state(audience.folder, AlertKind.ERASURE_DUE, due, said, now, within=within)
    except (HomeError, ErasureError) as error:
        log.warning("The alert about %s could not be kept: %s", audience.folder, error)
