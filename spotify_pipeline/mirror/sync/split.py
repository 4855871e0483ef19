"""Mirrors a list that is too large for one file, each part to an audience of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta

from spotify_pipeline.customer_list import Manifest, SnapshotStore, StoredList, parts_needed
from spotify_pipeline.home import HomeError
from spotify_pipeline.mirror.errors import MirrorRefused
from spotify_pipeline.mirror.guards import Judge
from spotify_pipeline.mirror.journal import Journal, JournalError
from spotify_pipeline.mirror.receipts import RunEvidence
from spotify_pipeline.mirror.spec import AudienceSpec
from spotify_pipeline.mirror.sync.decision import SharedGuard
from spotify_pipeline.mirror.sync.result import MirrorOutcome
from spotify_pipeline.mirror.sync.service import AudienceMirror
from spotify_pipeline.mirror.sync.upload import OnProgress
from spotify_pipeline.mirror.writes import Also


def mirror_parts(
    mirror: AudienceMirror,
    spec: AudienceSpec,
    parts: Sequence[StoredList],
    *,
    guard: Judge,
    max_age: timedelta | None = None,
    evidence: RunEvidence | None = None,
    trace_ids: Callable[[], Sequence[str]] = tuple,
    on_progress: OnProgress | None = None,
    on_accept: Sequence[Also] = (),
) -> list[MirrorOutcome]:
    """Make the audiences of a list's parts equal to them, in order; of one part, as ``AudienceMirror.mirror``.

    The guard judges the whole list, once, while the first part's audience is held. What it decided holds for all
    parts. Where a part fails, those before it have been sent: call it again.

    Args:
        mirror: does it.
        spec: of the whole.
        parts: files and manifests, by number.
        guard: of the whole list.
        max_age, evidence, trace_ids, on_progress: as of ``AudienceMirror.mirror``.
        on_accept: done in the transaction that says that Spotify holds the last part: it holds the whole list then.

    Raises:
        MirrorRefused: as ``AudienceMirror.mirror``; or these are not all parts of one list. Nothing was sent then.
        Exception: all that ``AudienceMirror.mirror`` raises.
    """
    _refuse_incomplete(spec, [manifest for _, manifest in parts])
    decided = SharedGuard(guard)
    keys = [spec.part(number, len(parts)).audience for number in range(1, len(parts) + 1)]
    return [
        mirror.mirror(
            spec.part(number, len(parts)),
            file,
            manifest,
            guard=decided,
            max_age=max_age,
            evidence=evidence,
            trace_ids=trace_ids,
            on_progress=on_progress,
            keys=keys,
            on_accept=on_accept if number == len(parts) else (),
        )
        for number, (file, manifest) in enumerate(parts, start=1)
    ]


def parts_known(journal: Journal, audience: str, ad_account_id: str) -> int:
    """In how many audiences the list was sent before; 1 also where it never was.

    Fewer parts than before would leave an audience with people who are in another one now, or in none: so they become
    fewer only when somebody takes the audience out of the project. An entry that cannot be read counts.
    """
    keys = {key for account, key in journal.known() if account == ad_account_id}
    others = [int(key.removeprefix(f"{audience}.")) for key in keys if _is_part(key, audience)]
    numbers = [each for each in others if _may_exist(journal, f"{audience}.{each}", ad_account_id)]
    return max(_stated(journal, audience, ad_account_id), *numbers, 1)


def parts_in_use(
    store: SnapshotStore, journal: Journal, audience: str, ad_account_id: str, max_bytes: int
) -> int | None:
    """How many parts both the newest list and the one that Spotify has need; None where the latter is not kept here.

    From the newest alone nothing follows: guards may hold it back, for it lost most of its people.

    Raises:
        JournalError, HomeError, CustomerListError: a list, or which one Spotify has, cannot be read.
    """
    entry = journal.read(audience, ad_account_id)
    live = entry.whole_sha256 or entry.file_sha256
    sent = store.find_sent(audience, live) if live is not None else None
    if sent is None:
        return None
    # As it is kept it may be shorter than what Spotify has, where people were erased.
    fewest = -(-sent.manifest.bytes // max_bytes)
    return max(parts_needed(*each, max_bytes, fewest) for each in (sent.stored, *store.lists(audience)[:1]))


def _stated(journal: Journal, audience: str, ad_account_id: str) -> int:
    """By the entry of the first part: that of another may be lost, and no entry says so of itself."""
    try:
        entry = journal.read(audience, ad_account_id)
    except (JournalError, HomeError):
        return 1
    return (entry.parts or 1) if entry.may_exist else 1


def _is_part(key: str, audience: str) -> bool:
    number = key.removeprefix(f"{audience}.")
    return number != key and number.isascii() and number.isdecimal()


def _may_exist(journal: Journal, key: str, ad_account_id: str) -> bool:
    try:
        return journal.read(key, ad_account_id).may_exist
    except (JournalError, HomeError):
        return True


def _refuse_incomplete(spec: AudienceSpec, manifests: Sequence[Manifest]) -> None:
    if len(manifests) == 1 and manifests[0].part is None:
        return
    stated = [(each.part.number, each.part.of, each.part.whole_sha256) for each in manifests if each.part is not None]
    wholes = {whole for _, _, whole in stated}
    if len(wholes) != 1 or stated != [(number, len(manifests), *wholes) for number in range(1, len(manifests) + 1)]:
        raise MirrorRefused(
            f"The files given for {spec.audience} are not all parts of one list, in order. Nothing was sent. "
            "Materialize the customer list again, then the audience."
        )
