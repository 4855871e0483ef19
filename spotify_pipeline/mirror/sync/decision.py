"""Holds the guards' decision for one run, and uses its approval once, before the first write to Spotify."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from spotify_pipeline.customer_list import CustomerListError, Manifest
from spotify_pipeline.home import HomeError
from spotify_pipeline.mirror.errors import MirrorRefused
from spotify_pipeline.mirror.guards import Decision, GuardBlocked, Judge, block_message, without_history
from spotify_pipeline.mirror.journal import JournalEntry, JournalError
from spotify_pipeline.mirror.spec import AudienceSpec
from spotify_pipeline.mirror.sync.stale_state import StaleStateCheck
from spotify_pipeline.privacy import ErasureError
from spotify_pipeline.spotify import Audience

_OURS = (MirrorRefused, HomeError, JournalError, CustomerListError, ErasureError)
"""Errors whose sentences are fit to be shown; of any other only the kind is."""


class SendDecision:
    """The decision about one list, from when it is made to the first write to Spotify."""

    def __init__(
        self,
        guard: Judge,
        spec: AudienceSpec,
        manifest: Manifest,
        *,
        stale_state: StaleStateCheck,
        keys: Collection[str],
    ) -> None:
        """``keys``: in the journal, of all audiences that the list is sent to."""
        self._guard = guard
        self._spec = spec
        self._manifest = manifest
        self._stale_state = stale_state
        self._keys = keys
        self._decision: Decision | None = None

    @property
    def decision(self) -> Decision:
        """What was decided; there is none before ``judge``."""
        assert self._decision is not None, "a run judges before it writes"  # noqa: S101
        return self._decision

    def judge(self, entry: JournalEntry) -> None:
        """Ask the guard; whatever goes wrong in it blocks (W13).

        Raises:
            GuardBlocked: the list must not be sent.
        """
        try:
            decision = self._guard.judge(entry)
            self._refuse_other(decision)
            decision = self._stale_state.judged(decision, self._keys)
            if not decision.allowed:
                raise GuardBlocked(block_message(decision), decision)
        except GuardBlocked:
            raise
        except Exception as error:  # noqa: BLE001 - a guard that fails blocks, and any message may quote a value
            raise self._undecided(error) from None
        self._decision = decision

    def refuse_unknown(self, found: Audience | None, entry: JournalEntry) -> None:
        """Block where the audience at Spotify is not the one that the journal knows (W08, W20).

        Its people are not known, so the list cannot be compared with them. An approval of the list overrides.

        Raises:
            GuardBlocked: nobody approved.
        """
        part = self._manifest.part
        if found is None or (part is not None and part.number > 1 and not entry.audience_id):
            return  # what a further part is compared with is the whole, which the first part's line names
        problem = unknown_audience(self._spec, entry, found.id)
        if problem is None:
            return
        self._decision = without_history(self.decision, problem)
        if not self._decision.allowed:
            raise GuardBlocked(block_message(self._decision), self._decision)

    def use_approval(self, within: sa.Connection) -> None:
        """Use the approval that the list takes, if it takes one, in the transaction that announces its first write.

        Raises:
            MirrorRefused: it cannot be used.
        """
        try:
            self._guard.use_approval(self.decision, within)
        except (MirrorRefused, HomeError, SQLAlchemyError):
            raise
        except Exception as error:  # noqa: BLE001 - a guard that fails blocks, and any message may quote a value
            raise self._undecided(error) from None

    def _refuse_other(self, decision: Decision) -> None:
        """A decision about another list says nothing of this one."""
        part = self._manifest.part
        about = (self._manifest.audience, self._spec.ad_account_id, part.whole_sha256 if part else None)
        known = (decision.audience, decision.ad_account_id, decision.file_sha256)
        if known not in (about, (*about[:2], self._manifest.sha256)):
            raise GuardBlocked(
                f"The decision about {decision.audience} is not about this list of {self._spec.audience} for "
                f"{self._manifest.snapshot}. Nothing was sent. Materialize the customer list again, then the audience."
            )

    def _undecided(self, error: Exception) -> GuardBlocked:
        why = str(error) if isinstance(error, _OURS) else f"A guard failed with {type(error).__name__}."
        return GuardBlocked(
            f"It cannot be decided whether the list of {self._spec.audience} for {self._manifest.snapshot} may be "
            f"sent, so nothing was sent. {why} Run again; if it stays so, report it."
        )


def unknown_audience(spec: AudienceSpec, entry: JournalEntry, audience_id: str) -> str | None:
    """Why it is not known what the audience at Spotify holds, as a part of a sentence; None where it is known.

    Args:
        spec: what the YAML asks for.
        entry: what the journal knows of it.
        audience_id: of the audience whose list would be replaced.
    """
    in_creation = entry.in_creation
    if audience_id in (entry.audience_id, in_creation.audience_id if in_creation is not None else None):
        return None
    if spec.adopted_audience_id is not None:
        before = f", and the journal knows audience {entry.audience_id} as its own" if entry.audience_id else ""
        return (
            f"audience {audience_id}, which the YAML of {spec.audience} adopts, was filled by somebody else{before}; "
            "whom it holds now would be replaced, and there is no way back"
        )
    if in_creation is not None:
        return None  # found by what that creation asked for
    if entry.audience_id is not None:
        return (
            f"audience {entry.audience_id}, which the journal names, is not at Spotify, and audience {audience_id} "
            f"bears the mark of {spec.audience}; another deployment made it, or the journal is an older one"
        )
    return (
        f"the journal says that nothing was ever sent for {spec.audience}, and Spotify has its audience {audience_id}; "
        "the journal was lost, or another deployment made the audience"
    )


class SharedGuard:
    """A guard that decides once, about the whole, for all parts of a list; its approval is used once."""

    def __init__(self, guard: Judge) -> None:
        self._guard = guard
        self._decision: Decision | None = None
        self._is_spent = False

    def judge(self, entry: JournalEntry) -> Decision:
        """The decision from what the journal says of the first part; of the others it asks nothing."""
        if self._decision is None:
            self._decision = self._guard.judge(entry)
        return self._decision

    def use_approval(self, decision: Decision, within: sa.Connection) -> None:
        """Use the approval, if the parts so far did not."""
        if not self._is_spent and decision.overridden:
            self._guard.use_approval(decision, within)
            self._is_spent = True
