"""How long the sign-ins last, as a check in Dagster.

Spotify ends a sign-in six months after it was given, whatever happens in between. That is known long before, so it is
said long before: by a check that turns yellow 30 days ahead and red at the end, and makes no call.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import dagster as dg

from spotify_pipeline.components.failures import sanitized_failures
from spotify_pipeline.components.resources import SpotifyAdsResource
from spotify_pipeline.spotify import SignInKind, SignInState

SIGN_IN_LASTS = "sign_in_lasts"
GOOD = frozenset({SignInKind.OK, SignInKind.UNKNOWN_AGE})


def authorization_key(project: str) -> dg.AssetKey:
    """The asset that is a project's sign-in."""
    return dg.AssetKey(["spotify", project, "authorization"])


def sign_in_definitions(labels: Sequence[str | None], project: str) -> dg.Definitions:
    """The sign-in as an external asset, and the check on its age.

    Args:
        labels: the authorizations that the audiences name; None stands for the connection's.
        project: its name.
    """
    key = authorization_key(project)

    @dg.asset_check(
        asset=key,
        name=SIGN_IN_LASTS,
        description="Warns from 30 days before the sign-in to Spotify expires. It uses its age, and makes no calls.",
    )
    def sign_in_lasts(spotify_ads: SpotifyAdsResource) -> dg.AssetCheckResult:
        with sanitized_failures():
            now = datetime.now(UTC)
            # Two audiences may name what is the connection's, so each state is told once.
            named = {spotify_ads.settings(label).authorization for label in labels}
            return sign_in_result({label: spotify_ads.sign_in(label, now) for label in sorted(named)})

    asset = dg.AssetSpec(
        key,
        group_name="spotify",
        kinds={"spotify"},
        description=(
            "The sign-in to Spotify with which audiences are mirrored, made by `spotify-pipeline login` and kept in a "
            "private file on this machine. Spotify ends it six months after it was given."
        ),
    )
    return dg.Definitions(assets=[asset], asset_checks=[sign_in_lasts])


def sign_in_result(states: Mapping[str, SignInState]) -> dg.AssetCheckResult:
    """One outcome for the sign-ins of all labels: that of the one in the worst state, with the sentences of all."""
    kinds = {state.kind for state in states.values()}
    metadata: dict[str, dg.MetadataValue] = {}
    for label, state in states.items():
        metadata[f"{label}: state"] = dg.TextMetadataValue(str(state.kind))
        if state.days_left is not None:
            metadata[f"{label}: days left"] = dg.IntMetadataValue(state.days_left)
        if state.ends_at is not None:
            metadata[f"{label}: ends"] = dg.TimestampMetadataValue(state.ends_at.timestamp())
    return dg.AssetCheckResult(
        passed=kinds <= GOOD,
        severity=dg.AssetCheckSeverity.WARN if kinds <= {*GOOD, SignInKind.ENDS_SOON} else dg.AssetCheckSeverity.ERROR,
        description=" ".join(
            state.sentence if len(states) == 1 else f"{label}: {state.sentence}" for label, state in states.items()
        ),
        metadata=metadata,
    )
