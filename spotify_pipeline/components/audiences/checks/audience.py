"""The checks a person sees on an audience's assets.

They show; they do not protect: a check that emits no result lets the next asset run, so the mirror refuses by itself
what these checks mark as failed.
"""

from datetime import UTC, datetime, timedelta

import dagster as dg

from spotify_pipeline.components.audiences.checks.guards import guard_check_spec
from spotify_pipeline.components.audiences.definition import AudienceAtSpotify
from spotify_pipeline.components.failures import sanitized_failures
from spotify_pipeline.components.metadata import audience_state, in_words
from spotify_pipeline.components.resources import PipelineHome, SpotifyAdsResource
from spotify_pipeline.customer_list import CustomerListError, IdentifiersReport, Manifest
from spotify_pipeline.printable import printable
from spotify_pipeline.spotify import Audience, CallRecord, NotFound
from spotify_pipeline.spotify.ads import AD_ENGAGEMENT, WEB_EVENT
from spotify_pipeline.spotify_limits import LONGEST_PROCESSING

COUNTS_ADD_UP = "counts_add_up"
CELLS_ARE_DIGESTS = "cells_are_digests"
TARGETABLE = "targetable"

READY = frozenset({"BOOKABLE", "LIVE"})
WAITING = frozenset({"PROCESSING", "LEARNING"})
"""An audience comes back to these from READY when its list is replaced."""
UNUSABLE = {
    "EMPTY": "Spotify matched none, or too few, of the people in the list. Check that the identifiers are those that "
    "listeners sign up with; a list of fewer than 1,000 rows is ignored.",
    "ARCHIVED": "The audience was archived at Spotify. Restore it in Ads Manager, or remove it from the configuration.",
}

EMPTY_OF_EVENTS = (
    "Spotify found nobody, or too few people, whose events or ads fit. Look in Ads Manager whether the data set "
    "receives these events, or whether the ads were delivered, within the lookback days."
)


def identifiers_check_specs(key: dg.AssetKey) -> list[dg.AssetCheckSpec]:
    """What is checked when identifiers were read."""
    return [
        dg.AssetCheckSpec(
            COUNTS_ADD_UP,
            asset=key,
            blocking=True,
            description="Everybody read from the segment was either kept or dropped for a counted reason.",
        )
    ]


def identifiers_check_results(report: IdentifiersReport) -> list[dg.AssetCheckResult]:
    """The outcome of those checks."""
    dropped = sum(report.rows_dropped.values())
    return [
        dg.AssetCheckResult(
            check_name=COUNTS_ADD_UP,
            passed=report.rows_read == report.rows_kept + dropped,
            description=f"{in_words(report.rows_read)} read = {in_words(report.rows_kept)} kept + "
            f"{in_words(dropped)} dropped",
        )
    ]


def list_check_specs(key: dg.AssetKey) -> list[dg.AssetCheckSpec]:
    """What is checked when a customer list was built."""
    return [
        dg.AssetCheckSpec(
            COUNTS_ADD_UP,
            asset=key,
            blocking=True,
            description="Rows kept, rows added for several identifiers and equal rows removed give the rows written.",
        ),
        guard_check_spec(
            key,
            blocking=True,
            description="What the guards will decide when the list is sent: whether it is too small or too different "
            "from the one Spotify has. If one blocks, the audience at Spotify is not changed.",
        ),
    ]


def list_check_results(manifest: Manifest) -> list[dg.AssetCheckResult]:
    """The outcome of those checks but the guards', for a list that was just built."""
    built = manifest.rows_kept + manifest.rows_added_by_fan_out - manifest.duplicates_removed
    withdrawn = f" - {in_words(manifest.rows_withdrawn)} withdrawn" if manifest.rows_withdrawn else ""
    return [
        dg.AssetCheckResult(
            check_name=COUNTS_ADD_UP,
            passed=built - manifest.rows_withdrawn == manifest.list_rows,
            description=f"{in_words(manifest.rows_kept)} kept + {in_words(manifest.rows_added_by_fan_out)} added - "
            f"{in_words(manifest.duplicates_removed)} equal{withdrawn} = {in_words(manifest.list_rows)} rows",
        )
    ]


def verified_check_spec(key: dg.AssetKey) -> dg.AssetCheckSpec:
    """The check on the audience that its list was read back before it was sent."""
    return dg.AssetCheckSpec(
        CELLS_ARE_DIGESTS,
        asset=key,
        description="The file was read back before it was sent: every cell is 64 lower-case hex digits or empty, none "
        "is the digest of nothing, and size and checksums are those of the manifest. What is not so is not sent.",
    )


def verified(manifest: Manifest) -> dg.AssetCheckResult:
    """The outcome where the list was sent, or Spotify has it already: neither is done with one that is not sound."""
    said = f"{in_words(manifest.list_rows)} rows read back and found as the manifest says"
    return dg.AssetCheckResult(check_name=CELLS_ARE_DIGESTS, passed=True, description=said)


def not_verified(error: CustomerListError) -> dg.AssetCheckResult:
    """The outcome where it was not."""
    return dg.AssetCheckResult(check_name=CELLS_ARE_DIGESTS, passed=False, description=printable(str(error)))


def judge_status(audience: Audience, now: datetime) -> dg.AssetCheckResult:
    """Whether an audience can be targeted, or is still within the time Spotify takes.

    It is judged as it stands now, whatever it was before: an audience that goes back from BOOKABLE to PROCESSING has
    got a new list. Spotify counts new statuses as compatible changes, so an unknown one is a warning and no error.
    """
    status = audience.status or "unknown"
    of_events = audience.subtype in (WEB_EVENT, AD_ENGAGEMENT)

    def result(sentence: str, *, passed: bool = False, warn: bool = False) -> dg.AssetCheckResult:
        return dg.AssetCheckResult(
            passed=passed,
            severity=dg.AssetCheckSeverity.WARN if warn else dg.AssetCheckSeverity.ERROR,
            description=f"{status}{sentence}",
            metadata=audience_state(audience),
        )

    if status in READY:
        return result(": it can be targeted.", passed=True)
    if status == "EMPTY" and of_events:
        return result(f": {EMPTY_OF_EVENTS}")
    if status in UNUSABLE:
        return result(f": {UNUSABLE[status]}")
    if status not in WAITING:
        return result(
            ": a status that this version does not know, so whether the audience can be targeted is not known either. "
            "Look at it in Ads Manager; this check goes on asking.",
            warn=True,
        )
    waiting = now - audience.updated_at if audience.updated_at else timedelta(0)
    if waiting > LONGEST_PROCESSING:
        hours, stated = waiting // timedelta(hours=1), LONGEST_PROCESSING // timedelta(hours=1)
        return result(
            f" for {hours} hours; Spotify states {stated}. Ask Spotify's support, with the audience id that this check "
            "shows. Nothing needs to be sent again.",
            warn=True,
        )
    return result(": Spotify takes up to three days. Run this check again to see where it stands.", passed=True)


def targetable_check(audience: AudienceAtSpotify) -> dg.AssetChecksDefinition:
    """A check that asks Spotify how the audience stands, with one request. It can be run at any time, by itself."""

    @dg.asset_check(
        asset=audience.audience_key,
        name=TARGETABLE,
        description="Checks at Spotify whether the audience exists and can be targeted, as it should within 72 hours.",
    )
    def targetable(
        context: dg.AssetCheckExecutionContext, spotify_home: PipelineHome, spotify_ads: SpotifyAdsResource
    ) -> dg.AssetCheckResult:
        def on_call(call: CallRecord) -> None:
            context.log.info(str(call))

        with sanitized_failures():
            account = spotify_ads.account_of(audience)
            known = spotify_home.journal.read(audience.folder, account).audience_id
            if known is None:
                return dg.AssetCheckResult(passed=False, description="Nothing was sent yet. Materialize the audience.")
            with spotify_ads.client(on_call, authorization=audience.config.authorization) as client:
                try:
                    return judge_status(client.audience(account, known), datetime.now(UTC))
                except NotFound:
                    return dg.AssetCheckResult(
                        passed=False,
                        description=f"Audience {known} no longer exists at Spotify. Materialize it to create it again.",
                    )

    return targetable
