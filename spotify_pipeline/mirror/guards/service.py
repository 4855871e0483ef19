"""Decides about one list: gathers the facts, and asks ``decide``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

import sqlalchemy as sa

from spotify_pipeline.customer_list import ComparedList, CustomerListError, SnapshotStore, StoredList, WrittenRows
from spotify_pipeline.home import HomeError
from spotify_pipeline.mirror.errors import MirrorRefused
from spotify_pipeline.mirror.guards.approval import Approval
from spotify_pipeline.mirror.guards.approvals import ApprovalStore, spent_before
from spotify_pipeline.mirror.guards.base import Decision, Guard, GuardBlocked
from spotify_pipeline.mirror.guards.evaluate import decide, why_void
from spotify_pipeline.mirror.guards.facts import GuardFacts
from spotify_pipeline.mirror.guards.history import SentHistory
from spotify_pipeline.mirror.guards.limits import GuardLimits
from spotify_pipeline.mirror.journal import Journal, JournalEntry, JournalError
from spotify_pipeline.mirror.receipts import SHORTEST_WINDOW, AcceptedList
from spotify_pipeline.privacy import ErasureError
from spotify_pipeline.rows import DigestSet

_OURS = (CustomerListError, ErasureError, HomeError, JournalError, MirrorRefused)
"""Exceptions whose sentences hold no personal data."""


class ListGuard:
    """The guard of one list, of one audience in one ad account, in one run."""

    def __init__(
        self,
        *,
        customer_list: StoredList,
        audience: str,
        ad_account_id: str,
        store: SnapshotStore,
        journal: Journal,
        approvals: ApprovalStore,
        limits: GuardLimits,
        erased: Callable[[], DigestSet],
        now: Callable[[], datetime],
        confirmed: Callable[[], DigestSet] = DigestSet.of,
        window: timedelta = SHORTEST_WINDOW,
        given: Approval | None = None,
        went_back_to: AcceptedList | None = None,
        split: bool = False,
        written: WrittenRows | None = None,
        own_guards: Sequence[Guard] = (),
    ) -> None:
        """
        Args:
            customer_list: the list to be sent; the whole, where it is sent in parts.
            audience: the audience's folder name.
            ad_account_id: where the list is sent.
            store: of lists.
            journal: of this machine.
            approvals: that people gave.
            limits: of the audience.
            erased: the digests of those who asked to be forgotten.
            now: the time, with a time zone.
            confirmed: the digests of those of them whose erasure was confirmed.
            window: how long a list is compared with after it was replaced.
            given: an approval that was given in this very run, by its configuration or by a rollback.
            went_back_to: of a rollback: the list that goes live again, where Spotify had it once.
            split: whether a list that is too large for one file is sent in parts.
            written: the rows of the list, where it was just written; else it is read, if it has to be.
            own_guards: of the project, which are asked besides ours.
        """
        self._customer_list = customer_list
        self._audience = audience
        self._ad_account_id = ad_account_id
        self._store = store
        self._journal = journal
        self._approvals = approvals
        self._limits = limits
        self._erased = erased
        self._confirmed = confirmed
        self._now = now
        self._window = window
        self._given = given
        self._went_back_to = went_back_to
        self._split = split
        self._written = written
        self._own_guards = own_guards
        self._spent = False

    def judge(self, entry: JournalEntry) -> Decision:
        """Decide whether the list may be sent, from what the journal says now. See ``block_message`` for the sentence.

        Raises:
            GuardBlocked: it could not be judged, for whatever reason. What cannot be judged is not sent.
        """
        try:
            return self._judged(entry)
        except _OURS as error:
            raise self._not_judged(str(error)) from None
        except Exception as error:  # noqa: BLE001 - a guard that fails blocks, and any message may quote a value
            raise self._not_judged(f"{type(error).__name__}. Its message is withheld: it may quote data.") from None

    def use_approval(self, decision: Decision, within: sa.Connection | None = None) -> None:
        """Mark the decision's approval as used, if it was needed. Once: resuming the same list needs no other.

        ``within``: the caller's transaction in the state; by default one of its own.

        Raises:
            ApprovalRefused: it was used meanwhile, or has expired.
            StateError: that cannot be written.
        """
        approval = decision.approval
        if not decision.overridden or approval is None or approval.used_at is not None or self._spent:
            return
        use = self._approvals.use_given if approval == self._given else self._approvals.use
        use(approval, self._now(), file_sha256=decision.file_sha256, within=within)
        self._spent = True

    def _judged(self, entry: JournalEntry) -> Decision:
        manifest = self._customer_list[1]
        past = SentHistory(
            store=self._store,
            journal=self._journal,
            audience=self._audience,
            ad_account_id=self._ad_account_id,
            erased=self._erased(),
            confirmed=self._confirmed(),
        )
        # Its rows are released when this returns: a guard lives as long as an upload.
        compared = ComparedList(self._customer_list, self._written)
        history, problem, previous = past.list_before(compared, entry)
        now = self._now()
        facts = GuardFacts(
            manifest=manifest,
            now=now,
            history=history,
            history_problem=problem,
            previous=previous,
            lately=past.lately(compared, entry, now - self._window) if previous is not None else (),
            went_back_to=past.once(compared, self._went_back_to) if self._went_back_to is not None else None,
            twin=past.twin(compared, previous),
            other_accounts=past.other_accounts(entry),
            erased_rows=past.rows_of_erased(compared),
            split=self._split,
        )
        candidates, problem = self._approvals_for(facts, entry)
        decide_with = partial(
            decide,
            facts,
            self._limits,
            audience=self._audience,
            ad_account_id=self._ad_account_id,
            own_guards=self._own_guards,
        )
        decisions = [decide_with(approval=each) for each in candidates] or [decide_with(approval=None)]
        decision = next((each for each in decisions if each.allowed), decisions[0])
        return replace(decision, approval_problem=decision.approval_problem or problem)

    def _approvals_for(self, facts: GuardFacts, entry: JournalEntry) -> tuple[list[Approval], str]:
        """The approvals that may count, in the order in which they are to be tried, and why another does not."""
        sha256, given = facts.manifest.sha256, self._given
        kept = self._approvals.history(self._audience, self._ad_account_id)
        standing = self._approvals.standing(
            self._audience, self._ad_account_id, sha256, facts.now, going_on=self._spent or _going_on(facts, entry)
        )
        if standing and standing[0].used_at is not None:
            return standing, ""
        if given is not None and spent_before(given, kept):
            return standing, "" if standing else "The approval in the run config was used already."
        if given is not None:
            void = why_void(given, facts, self._limits, self._audience, self._ad_account_id)
            return [*standing, given] if standing and void else [given, *standing], ""
        if standing:
            return standing, ""
        last = kept[-1] if kept else None
        if last is None:
            return [], ""
        if last.used_at is not None and sha256 in (last.file_sha256, last.used_for):
            return [], f"The approval of {last.approved_at} was used for this list already, so it does not count."
        if last.used_at is not None and last.file_sha256 is None:
            return [], f"The approval of {last.approved_at} was used for another list, so it does not count."
        return [], why_void(last, facts, self._limits, self._audience, self._ad_account_id)

    def _not_judged(self, why: str) -> GuardBlocked:
        return GuardBlocked(
            f"Whether the list of {self._audience} for {self._customer_list[1].snapshot} may be sent could not be "
            f"judged: {why} Nothing was sent; the audience at Spotify is as it was. Fix that, then run again."
        )


def _going_on(facts: GuardFacts, entry: JournalEntry) -> bool:
    """Whether the sending of this very list was begun and is not finished, as far as this entry knows.

    A part that was accepted is such a sign too: whether the other parts were is not in its entry. And so is a new name
    that was asked for in order to send the list then.
    """
    sha256 = facts.manifest.sha256
    begun = entry.unfinished.list if entry.unfinished is not None else None
    started = [entry.whole_sha256, entry.edit_asked.for_list if entry.edit_asked is not None else None]
    if begun is not None:
        started += [begun.file_sha256, begun.whole_sha256]
    return sha256 in started
