"""Keeps one audience that Spotify fills by itself: a lookalike, or one of web events or of ad engagement.

Spotify chooses its id. So a creation whose answer was lost cannot be asked for again with the same id, as that of a
customer list can. It is looked for instead, and asked for again only when it can no longer be carried out.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from spotify_pipeline.mirror.errors import MirrorRefused, way_to_another_kind
from spotify_pipeline.mirror.event_based.definitions import EventBasedDefinition
from spotify_pipeline.mirror.journal import Journal, Phase, SettingValue, Unfinished, WriteKind
from spotify_pipeline.mirror.receipts import Receipt, ReceiptBook, ReceiptKind, RunEvidence, plain
from spotify_pipeline.mirror.spec import AudienceSpec
from spotify_pipeline.mirror.writes import (
    LANDS_WITHIN,
    CreateOnce,
    WriteAheadLog,
    confirmed,
    find_event_based,
    only_one,
    refuse_mistakable,
    shown_audience,
    with_texts,
)
from spotify_pipeline.retries import AUDIENCE_HELD, SHOWS_LATE
from spotify_pipeline.spotify import Audience, SpotifyAdsClient

_SAY_WHAT_OF = frozenset(ReceiptKind) - {ReceiptKind.RENAMED, ReceiptKind.DELETED, ReceiptKind.LEFT}
"""Receipts that say what an audience is made of."""


class EventBasedAction(StrEnum):
    """What was done at Spotify."""

    CREATED = "created"
    RENAMED = "renamed"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, kw_only=True)
class EventBasedOutcome:
    """An audience that Spotify fills and that is there.

    Attributes:
        action: what was done.
        audience: as Spotify shows it.
        recovered: what the run found left half done by another, in sentences; None for nothing.
        receipts: those that this run wrote.
    """

    action: EventBasedAction
    audience: Audience
    recovered: str | None = None
    receipts: tuple[Receipt, ...] = ()


def sync_event_based(
    client: SpotifyAdsClient,
    journal: Journal,
    spec: AudienceSpec,
    definition: EventBasedDefinition,
    *,
    evidence: RunEvidence | None = None,
    trace_ids: Callable[[], Sequence[str]] = tuple,
    clock: Callable[[], float] = time.time,
    sleep: Callable[[float], None] = time.sleep,
    wait: float = AUDIENCE_HELD.within,
) -> EventBasedOutcome:
    """Make sure that there is one such audience, and that it is called what the YAML says.

    Args:
        client: signed in.
        journal: of this project.
        spec: the audience's identity, and its texts.
        definition: what Spotify is to fill it with.
        evidence, trace_ids: as of ``AudienceMirror.mirror``.
        clock, sleep, wait: as of ``AudienceMirror``.

    Raises:
        MirrorRefused: it is made of something else, several could be it, its name or its folder's name is another
            audience's, one that was asked for may yet come, or another run has it. The message says what to do.
        HomeError, JournalError: the journal or a receipt cannot be read or written.
        SpotifyError: Spotify refused or was not reached.
    """
    book = ReceiptBook(journal.state)
    with journal.lease(spec.audience, spec.ad_account_id, wait=wait, sleep=sleep) as fence:
        wal = WriteAheadLog(journal, fence, audience=spec.audience, ad_account_id=spec.ad_account_id, clock=clock)
        wal.trace_ids = trace_ids
        return _EventBasedAudience(client, wal, book, spec, definition, plain(evidence or {}), sleep).kept()


class _EventBasedAudience:
    """One run, while it holds the audience's lease."""

    def __init__(
        self,
        client: SpotifyAdsClient,
        wal: WriteAheadLog,
        book: ReceiptBook,
        spec: AudienceSpec,
        definition: EventBasedDefinition,
        evidence: dict[str, Any],
        sleep: Callable[[float], None],
    ) -> None:
        self._client = client
        self._wal = wal
        self._book = book
        self._spec = spec
        self._definition = definition
        self._evidence = evidence
        self._sleep = sleep

    def kept(self) -> EventBasedOutcome:
        found, asked_for = self._found(), self._wal.entry.in_creation
        if found is None:
            return self._outcome(EventBasedAction.CREATED, self._created())
        if asked_for is not None and found.id == self._wal.entry.audience_id:
            self._seemed_gone(found)
            asked_for = None
        if asked_for is not None:
            self._wal.note(
                f"{_capital(self._definition.word)} {found.id}, whose creation was begun by a run before, was found at "
                "Spotify."
            )
            self._note_created(found, asked_for.evidence or {})
        self._refuse_unless_made_so(found)
        shown = self._with_stated_texts(found)
        action = EventBasedAction.UNCHANGED if shown is found else EventBasedAction.RENAMED
        return self._outcome(EventBasedAction.CREATED if asked_for is not None else action, shown)

    def _found(self) -> Audience | None:
        """The audience, by the id in the journal, else by its mark."""
        entry = self._wal.entry
        had = entry.audience_id
        self._wal.refuse_held(*entry.held_ids)
        shown = shown_audience(self._client, self._spec, had, self._sleep) if had is not None else None
        if shown is not None:
            # Spotify may leave the subtype out, so what the journal says of it counts, too.
            if entry.file_sha256 is not None or not self._may_be(entry.made_of) or not self._definition.is_kind(shown):
                raise MirrorRefused(self._is_another(f"{shown.subtype or shown.type} audience {shown.id}"))
            return shown
        if entry.unfinished is not None and entry.unfinished.list is not None:
            raise MirrorRefused(self._is_another("an audience whose customer list was being sent"))
        listed = [*self._listed()]
        found = find_event_based(self._spec, listed, self._definition.is_kind)
        if found is None and self._definition.needs_own_name:
            refuse_mistakable(self._spec, listed)
        return found and self._confirmed(found)

    def _confirmed(self, listed: Audience) -> Audience:
        shown = confirmed(self._client, self._spec, listed, self._sleep)
        self._wal.refuse_held(shown.id)
        return shown

    def _may_be(self, made_of: Mapping[str, SettingValue] | None) -> bool:
        return set(made_of or ()) <= set(self._definition.settings)

    def _seemed_gone(self, found: Audience) -> None:
        """Another was asked for in the place of one that is shown again. There must not be both."""
        other = find_event_based(self._spec, self._listed(), self._definition.is_kind)
        only_one(self._spec, {each.id: each for each in (found, other) if each is not None}, way_out="")
        self._wal.note(
            f"{_capital(self._definition.word)} {found.id} had seemed gone and is shown again; the one that was "
            "asked for in its place is not."
        )
        if not self._wal.creation_may_land:
            self._wal.write(replace(self._wal.entry, unfinished=None))

    def _listed(self) -> Sequence[Audience]:
        return [*self._client.audiences(self._spec.ad_account_id, complete=True)]

    def _created(self) -> Audience:
        if self._wal.creation_may_land:
            raise MirrorRefused(
                f"The creation of {self._spec.audience} was asked for less than {LANDS_WITHIN.seconds // 60} minutes "
                "ago and not answered, and it is not shown yet. Nothing was asked for again, or there might be two. "
                "Run again later: it is looked for first."
            )
        content = {**self._definition.settings, "evidence": self._evidence}
        asked = Unfinished(
            kind=WriteKind.CREATE,
            phase=Phase.CREATING,
            name=self._spec.name,
            description=self._spec.full_description,
            begun_at=self._wal.now(),
            asked_at=self._wal.now(),
            evidence=content,
        )

        def announce() -> Callable[[], None]:
            self._wal.write(replace(self._wal.entry, unfinished=asked, retired_at=None, retired_policy=None))
            return lambda: self._wal.not_carried_out(replace(self._wal.entry, unfinished=None))

        word = self._definition.word
        created = CreateOnce(
            ask=lambda: self._definition.create(self._client, self._spec),
            look_first=f"It is not known whether it was created. Run again in {LANDS_WITHIN.seconds // 60} minutes: "
            "the run looks for it before it asks for it again.",
            announce=announce,
            look=self._looked_for,
            found=lambda each: self._wal.note(
                f"The answer to the creation of {word} {each.id} was lost; it was found at Spotify."
            ),
        ).run()
        self._note_created(created, content)
        return created

    def _looked_for(self) -> Audience | None:
        found = SHOWS_LATE.until(
            lambda: find_event_based(self._spec, self._listed(), self._definition.is_kind),
            lambda each: each is not None,
            self._sleep,
        )
        return None if found is None else self._confirmed(found)

    def _note_created(self, audience: Audience, content: Mapping[str, Any]) -> None:
        known = self._wal.entry.filled(audience.id, self._settings_in(content))
        stated = {"audience_id": audience.id, "name": audience.name}
        self._wal.done(known, self._definition.created, {**content, **stated})

    def _refuse_unless_made_so(self, found: Audience) -> None:
        """Stop where Spotify made the audience of something else; else make sure that the journal knows it."""
        made_of = self._made_of(found)
        if self._definition.differing(made_of):
            raise MirrorRefused(self._definition.mismatch(found, self._spec, made_of))
        entry = self._wal.entry
        if entry.audience_id != found.id or entry.retired_at is not None or entry.made_of is None:
            self._wal.write(entry.filled(found.id, made_of))

    def _made_of(self, found: Audience) -> dict[str, SettingValue]:
        """What it is made of: as Spotify shows it, else as the journal, else as the receipt of its creation says."""
        shown = {name: value for name, value in self._definition.shown(found).items() if value is not None}
        entry = self._wal.entry
        noted = entry.made_of if entry.audience_id == found.id else None
        if noted is None:
            noted = self._by_receipt(found)
        # An empty list is left out of Spotify's answers, so there the journal knows better.
        implied = {name: value for name, value in shown.items() if value == []}
        return {**implied, **noted, **{name: value for name, value in shown.items() if value != []}}

    def _by_receipt(self, found: Audience) -> dict[str, SettingValue]:
        for receipt in reversed(self._book.read(self._spec.audience, self._spec.ad_account_id)):
            if receipt.kind not in _SAY_WHAT_OF or receipt.body.get("audience_id") != found.id:
                continue
            if receipt.kind is not self._definition.created:
                raise MirrorRefused(
                    self._is_another(f'audience {found.id} (receipt {receipt.number}: "{receipt.kind}")')
                )
            return self._settings_in(receipt.body)
        return {}

    def _settings_in(self, content: Mapping[str, Any]) -> dict[str, SettingValue]:
        return {name: content[name] for name in self._definition.settings if name in content}

    def _with_stated_texts(self, found: Audience) -> Audience:
        return with_texts(
            self._client,
            self._wal,
            found,
            self._spec.name,
            self._spec.full_description,
            ad_account_id=self._spec.ad_account_id,
            sleep=self._sleep,
            audience_type=self._definition.audience_type,
        )

    def _is_another(self, what: str) -> str:
        name = self._spec.audience
        return (
            f"The journal and receipts say that {name} is {what}, and not what its YAML asks for now "
            f"({self._definition.word}). Nothing was changed. {way_to_another_kind(name)}"
        )

    def _outcome(self, action: EventBasedAction, audience: Audience) -> EventBasedOutcome:
        return EventBasedOutcome(
            action=action, audience=audience, recovered=self._wal.notes, receipts=tuple(self._wal.written)
        )


def _capital(word: str) -> str:
    return word[0].upper() + word[1:]
