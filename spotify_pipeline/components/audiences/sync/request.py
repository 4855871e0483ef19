"""The list that a run sends: the one of its partition, or an older one that is sent again.

People who must not be in it any more are left out before it is judged: those who were erased and, from a list that this
run did not build, also those whom suppressions and consent exclude now. The kept list stays as it is. What is sent
without them is a file of its own, compared with the list that Spotify has.
"""

# No postponed annotations: Dagster reads those of the run configuration when its classes are made.

import re
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self, cast

import dagster as dg
from pydantic import Field

from spotify_pipeline.components.audiences.definition import AudienceDefinition
from spotify_pipeline.components.audiences.guarding import live_list
from spotify_pipeline.components.audiences.list_building import non_consenting_people
from spotify_pipeline.components.resources import PipelineHome, WarehouseResource
from spotify_pipeline.components.sources import read_suppressions
from spotify_pipeline.customer_list import ComparedList, Manifest, StoredFile, StoredList, redacted_copy
from spotify_pipeline.mirror import (
    Approval,
    ApprovalSource,
    ApprovedChange,
    MirrorRefused,
    Receipt,
    validated_name,
    validated_reason,
)
from spotify_pipeline.mirror.guards import APPROVAL_LIFE
from spotify_pipeline.mirror.receipts import AcceptedList


class Attribution(dg.Config):
    """Who decides, and why. The commands ask for the same."""

    reason: str = Field(description="Why it is right, in a sentence of at least 10 characters. The receipt says it.")
    approved_by: str = Field(description="Who says so.")

    def validated(self) -> Self:
        """The same, fit for a receipt.

        Raises:
            MirrorRefused: the reason says nothing, nobody is named, or either cannot be shown.
        """
        return self.model_copy(
            update={"reason": validated_reason(self.reason), "approved_by": validated_name(self.approved_by)}
        )


class Approve(Attribution):
    """An approval of a list that guards hold back. It counts once: for one file, or for a change of the live list.

    Specify one of ``file_digest`` and ``within``.
    """

    file_digest: str = Field(default="", description="The SHA-256 of the list, or its first 12 characters or more.")
    within: dict[str, float] = Field(
        default={},
        description="The change that is right, as the largest share of each guard that blocks: {shrink: 0.55}.",
    )


class Rollback(Attribution):
    """Send the list of an older partition again, without those who must not be in it any more."""


class RunConfig(dg.Config):
    """By default neither: the newest list is sent if no guard holds it back."""

    approve: Approve | None = None
    rollback: Rollback | None = None


_DIGEST = re.compile(r"[0-9a-f]{12,64}")


@dataclass(frozen=True, kw_only=True)
class SendRequest:
    """A list, with the approval that this very run brings for it.

    Attributes:
        path: the file.
        manifest: what describes it.
        given: the approval, where the run's configuration gives one.
        cause: of the run, or `rollback`; for the receipt.
        reason: a person's, for a rollback.
        decided_by: that person.
        went_back_to: of a rollback: the list as Spotify had it, if it had it once.
        erased: rows that this run took out of it because they held somebody who asked to be forgotten.
    """

    path: StoredFile
    manifest: Manifest
    given: Approval | None
    cause: str
    reason: str | None = None
    decided_by: str | None = None
    went_back_to: AcceptedList | None = None
    erased: int = 0


def send_request(
    audience: AudienceDefinition,
    home: PipelineHome,
    warehouse: WarehouseResource,
    ad_account_id: str,
    partition: str,
    stated: RunConfig,
    *,
    cause: str,
    now: datetime,
    run_started: datetime,
    retried: int,
) -> SendRequest:
    """The list of ``partition``, as it may be sent today.

    Args:
        audience: the audience.
        home: where lists are kept.
        warehouse: where suppressions and consent are; read for a list that was built before this run.
        ad_account_id: where it is sent.
        partition: whose list.
        stated: by the run's configuration.
        cause: of the run.
        now: with a time zone.
        run_started: when the run began that sends it.
        retried: how often this step was retried already.

    Raises:
        MirrorRefused: the partition is not the newest and no rollback is requested, the list is not as the YAML says,
            or the request does not say who decides and why.
        CustomerListError: there is no such list.
        SegmentError, ErasureError: who must not be in it cannot be read.
    """
    rollback, approve = cast("Rollback | None", stated.rollback), cast("Approve | None", stated.approve)
    rollback = rollback.validated() if rollback is not None else None
    approve = approve.validated() if approve is not None else None
    if rollback is not None:
        return _older(audience, home, warehouse, ad_account_id, partition, rollback, approve, now)
    audience.refuse_unless_newest(partition, now, retried=retried, sending=True)
    path, manifest = home.snapshots.stored(audience.folder, partition)
    audience.refuse_other_list(manifest)
    erased = _rows_of_erased(home, path, manifest)
    if manifest.built_at >= run_started:
        out = home.ledger.digests()
        path, manifest = redacted_copy(home.snapshots, (path, manifest), out, issued_at=manifest.built_at)
    else:
        path, manifest = _thinned(audience, home, warehouse, (path, manifest), manifest.built_at)
    return SendRequest(
        path=path,
        manifest=manifest,
        given=_approval(audience, home, ad_account_id, manifest, approve, now) if approve is not None else None,
        cause=cause,
        erased=erased,
    )


def _thinned(
    audience: AudienceDefinition,
    home: PipelineHome,
    warehouse: WarehouseResource,
    stored: StoredList,
    issued_at: datetime,
) -> StoredList:
    """A list that an earlier run built, without those who may not be in it by what the warehouse and ledger say now.

    Its manifest says how many each source of suppressions holds now, so that guards see one that is empty by now.
    """
    suppressions = read_suppressions(audience.suppressions, warehouse, home.ledger)
    out = suppressions.digests | non_consenting_people(audience, warehouse)
    path, manifest = redacted_copy(home.snapshots, stored, out, issued_at=issued_at)
    return path, replace(manifest, suppressions=suppressions.counts, suppression_values=suppressions.values)


def _rows_of_erased(home: PipelineHome, path: StoredFile, manifest: Manifest) -> int:
    return ComparedList((path, manifest)).rows_holding(home.ledger.digests())


def _approval(
    audience: AudienceDefinition,
    home: PipelineHome,
    ad_account_id: str,
    manifest: Manifest,
    approve: Approve,
    now: datetime,
) -> Approval:
    digest, within = approve.file_digest.strip().lower(), approve.within
    if bool(digest) == bool(within):
        raise MirrorRefused(
            f"The run's configuration approves nothing, or two things, for {audience.folder}. Nothing was sent. "
            "Specify one of approve.file_digest and approve.within."
        )
    if not digest:
        live = live_list(home.journal.read(audience.folder, ad_account_id)) or ""
        change = ApprovedChange(live_sha256=live, within={guard: {"*": most} for guard, most in within.items()})
        word = _given(
            audience, ad_account_id, manifest, approve.reason, approve.approved_by, ApprovalSource.RUN_CONFIG, now
        )
        return replace(word, file_sha256=None, change=change)
    if not _DIGEST.fullmatch(digest) or not manifest.sha256.startswith(digest):
        raise MirrorRefused(
            f"The run's configuration approves a list with digest {digest[:12]}, and the list of {audience.folder} "
            f"for {manifest.snapshot} has {manifest.sha256[:12]}. Nothing was sent. Look at the list again, and "
            "specify the digest that the check `guards` shows."
        )
    return _given(
        audience, ad_account_id, manifest, approve.reason, approve.approved_by, ApprovalSource.RUN_CONFIG, now
    )


def _older(
    audience: AudienceDefinition,
    home: PipelineHome,
    warehouse: WarehouseResource,
    ad_account_id: str,
    partition: str,
    rollback: Rollback,
    approve: Approve | None,
    now: datetime,
) -> SendRequest:
    path, manifest = home.snapshots.stored(audience.folder, partition)
    once = _sent_once(home.receipts.read(audience.folder, ad_account_id), manifest)
    erased = _rows_of_erased(home, path, manifest)
    path, reissued = _thinned(audience, home, warehouse, (path, manifest), now)
    given: Approval | None = None
    if approve is not None:
        given = _approval(audience, home, ad_account_id, reissued, approve, now)
    elif once is not None:
        given = _given(
            audience, ad_account_id, reissued, rollback.reason, rollback.approved_by, ApprovalSource.ROLLBACK, now
        )
    return SendRequest(
        path=path,
        manifest=reissued,
        given=given,
        cause="rollback",
        reason=rollback.reason,
        decided_by=rollback.approved_by,
        went_back_to=once,
        erased=erased,
    )


def _sent_once(receipts: list[Receipt], manifest: Manifest) -> AcceptedList | None:
    """This list, or what it was before people were taken out of it, as Spotify had it last; None if it never had."""
    known = {manifest.sha256, *manifest.former_sha256}
    accepted = (AcceptedList.of(each) for each in reversed(receipts))
    return next((each for each in accepted if each is not None and each.sha256 in known), None)


def _given(
    audience: AudienceDefinition,
    ad_account_id: str,
    manifest: Manifest,
    reason: str,
    approved_by: str,
    source: ApprovalSource,
    now: datetime,
) -> Approval:
    return Approval(
        audience=audience.folder,
        ad_account_id=ad_account_id,
        file_sha256=manifest.sha256,
        reason=reason,
        approved_by=approved_by,
        approved_at=now.isoformat(),
        expires_at=(now + APPROVAL_LIFE).isoformat(),
        source=source,
    )
