"""Keeps one lookalike of a mirrored audience: Spotify fills it, and chooses its id.

So a creation whose answer was lost cannot be asked for again with the same id, as that of a customer list can. It is
looked for instead, and asked for again only when it can no longer be carried out.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from spotify_pipeline.home import HomeError
from spotify_pipeline.mirror.journal import Journal
from spotify_pipeline.mirror.journal_entry import JournalEntry, Phase, Unfinished, WriteKind
from spotify_pipeline.mirror.journal_page import LANDS_WITHIN, JournalPage
from spotify_pipeline.mirror.lease import WAIT_FOR_OTHERS
from spotify_pipeline.mirror.receipt import Receipt, ReceiptKind, plain
from spotify_pipeline.mirror.receipts import ReceiptBook
from spotify_pipeline.mirror.refusal import MirrorRefused
from spotify_pipeline.mirror.search import LOOKS_AFTER, find_lookalike, shown_audience
from spotify_pipeline.mirror.target import AudienceTarget
from spotify_pipeline.spotify import Audience, SpotifyAdsClient, SpotifyError
from spotify_pipeline.spotify.audience_operations import LOOKALIKE


class LookalikeAction(StrEnum):
    """What was done at Spotify."""

    CREATED = "created"
    RENAMED = "renamed"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, kw_only=True)
class LookalikeOutcome:
    """A lookalike that is there.

    Attributes:
        action: what was done.
        audience: as Spotify shows it.
        recovered: what the run found left half done by another, in sentences; None for nothing.
        receipts: those that this run wrote.
    """

    action: LookalikeAction
    audience: Audience
    recovered: str | None = None
    receipts: tuple[Receipt, ...] = ()


def keep_lookalike(
    client: SpotifyAdsClient,
    journal: Journal,
    target: AudienceTarget,
    seed_audience_id: str,
    *,
    name: str,
    description: str | None,
    receipts: ReceiptBook | None = None,
    evidence: Mapping[str, Any] | None = None,
    trace_ids: Callable[[], Sequence[str]] = tuple,
    clock: Callable[[], float] = time.time,
    sleep: Callable[[float], None] = time.sleep,
    wait: float = WAIT_FOR_OTHERS,
) -> LookalikeOutcome:
    """Make sure that there is one lookalike of an audience, and that it is called what the YAML says.

    Args:
        client: signed in.
        journal: of this machine.
        target: the audience that it is to be like.
        seed_audience_id: that audience at Spotify.
        name: of the lookalike, 2 to 80 characters.
        description: of it, within Spotify's limit.
        receipts: of this machine; by default those beside the journal.
        evidence, trace_ids: as of ``AudienceMirror.mirror``.
        clock, sleep, wait: as of ``AudienceMirror``.

    Raises:
        MirrorRefused: it is like another audience than the seed, several could be it, one that was asked for may yet
            come, or another run has it. The message says what to do.
        HomeError, JournalError: the journal or a receipt cannot be read or written.
        SpotifyError: Spotify refused or was not reached.
    """
    alike = target.lookalike(name, description)
    with journal.lease(alike.audience, alike.ad_account_id, wait=wait, sleep=sleep) as lease:
        page = JournalPage(
            journal,
            lease,
            receipts or ReceiptBook.beside(journal),
            audience=alike.audience,
            ad_account_id=alike.ad_account_id,
            clock=clock,
        )
        page.trace_ids = trace_ids
        return _Lookalike(client, page, alike, seed_audience_id, plain(evidence or {}), sleep).kept()


class _Lookalike:
    """One run, while it holds the lookalike's lease."""

    def __init__(
        self,
        client: SpotifyAdsClient,
        page: JournalPage,
        target: AudienceTarget,
        seed_audience_id: str,
        evidence: dict[str, Any],
        sleep: Callable[[float], None],
    ) -> None:
        self._client = client
        self._page = page
        self._target = target
        self._seed = seed_audience_id
        self._evidence = evidence
        self._sleep = sleep

    def kept(self) -> LookalikeOutcome:
        self._page.flush()
        found, asked_for = self._found(), self._page.entry.in_creation
        if found is None:
            created = self._created()
            return self._outcome(LookalikeAction.CREATED, created)
        if asked_for is not None:
            self._page.found(f"Lookalike {found.id}, whose creation was begun by a run before, was found at Spotify.")
            self._note_created(found, asked_for.evidence)
        self._refuse_other_seed(found)
        if self._page.entry.audience_id != found.id or self._page.entry.retired_at is not None:
            self._page.write(self._known(found))
        shown = self._with_stated_texts(found)
        action = LookalikeAction.UNCHANGED if shown is found else LookalikeAction.RENAMED
        return self._outcome(LookalikeAction.CREATED if asked_for is not None else action, shown)

    def _found(self) -> Audience | None:
        """The lookalike, by the id in the journal, else by its mark."""
        had = self._page.entry.audience_id
        shown = shown_audience(self._client, self._target, had, self._sleep) if had is not None else None
        return shown if shown is not None and shown.type == LOOKALIKE else self._listed()

    def _listed(self) -> Audience | None:
        return find_lookalike(self._target, self._client.audiences(self._target.ad_account_id, complete=True))

    def _created(self) -> Audience:
        if self._page.creation_may_land:
            raise MirrorRefused(
                f"The creation of {self._target.audience} was asked for less than {LANDS_WITHIN.seconds // 60} minutes "
                "ago and not answered, and it is not shown yet. Nothing was asked for again, or there might be two. "
                "Run again later: it is looked for first."
            )
        asked = Unfinished(
            kind=WriteKind.CREATE,
            phase=Phase.CREATING,
            name=self._target.name,
            description=self._target.full_description,
            begun_at=self._page.now(),
            asked_at=self._page.now(),
            evidence=self._content(),
        )
        self._page.write(replace(self._page.entry, unfinished=asked, retired_at=None, retired_policy=None))
        created = self._asked()
        self._note_created(created, asked.evidence)
        return created

    def _asked(self) -> Audience:
        try:
            return self._client.create_lookalike_audience(
                self._target.ad_account_id,
                name=self._target.name,
                description=self._target.full_description,
                seed_audience_id=self._seed,
            )
        except SpotifyError as error:
            if not error.may_have_happened:
                # Where that cannot be written, the creation counts as one that may have been carried out.
                with suppress(HomeError, MirrorRefused):
                    self._page.write(replace(self._page.entry, unfinished=None))
                raise
            doubt = error
        found = self._looked_for()
        if found is not None:
            self._page.found(f"The answer to the creation of lookalike {found.id} was lost; it was found at Spotify.")
            return found
        doubt.next_step = (
            f"It is not known whether it was created. Run again in {LANDS_WITHIN.seconds // 60} minutes: the run looks "
            "for it before it asks for it again."
        )
        raise doubt

    def _looked_for(self) -> Audience | None:
        with suppress(SpotifyError):
            for pause in LOOKS_AFTER:
                if pause:
                    self._sleep(pause)
                found = self._listed()
                if found is not None:
                    return found
        return None

    def _note_created(self, audience: Audience, content: dict[str, Any] | None) -> None:
        stated = {"audience_id": audience.id, "name": audience.name}
        self._page.done(self._known(audience), ReceiptKind.LOOKALIKE_CREATED, {**(content or {}), **stated})

    def _known(self, audience: Audience) -> JournalEntry:
        return replace(
            self._page.entry,
            audience_id=audience.id,
            seed_audience_id=audience.seed_audience_id or self._seed,
            unfinished=None,
            retired_at=None,
            retired_policy=None,
        )

    def _refuse_other_seed(self, found: Audience) -> None:
        entry = self._page.entry
        noted = entry.seed_audience_id if entry.audience_id == found.id else None
        seed = found.seed_audience_id or noted
        if seed not in (None, self._seed):
            raise MirrorRefused(
                f"Lookalike {found.id} ({self._target.audience}) is like audience {seed}, and the audience is "
                f"{self._seed} now: it was created again, or another is adopted. Spotify cannot change whom it "
                f"is like. Nothing was changed. Delete {found.id} in Ads Manager, and the next run creates a new one; "
                "or take the lookalike out of the YAML."
            )

    def _with_stated_texts(self, found: Audience) -> Audience:
        self._page.edited(found)  # by a run before that did not come to say so
        name, description = self._target.name, self._target.full_description
        if (found.name, found.description or "") == (name, description):
            return found
        self._page.editing(found, name, description)
        edited = self._client.edit_audience(
            self._target.ad_account_id, found.id, name=name, description=description, audience_type=LOOKALIKE
        )
        self._page.edited(edited)
        return edited

    def _content(self) -> dict[str, Any]:
        return {"seed_audience_id": self._seed, "evidence": self._evidence}

    def _outcome(self, action: LookalikeAction, audience: Audience) -> LookalikeOutcome:
        return LookalikeOutcome(
            action=action, audience=audience, recovered=self._page.findings, receipts=tuple(self._page.written)
        )
