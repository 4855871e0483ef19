"""How old a sign-in is, and so whether it still works. Reads the store; makes no calls.

Spotify ends an authorization six calendar months after the user agreed, however often its tokens are renewed
(developer.spotify.com, "Introducing refresh token expiration", June 2026; apps from before it since 2026-07-20). Only
Spotify's rejection is certain: the end stated here is computed on this machine, to warn in time.
"""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from spotify_pipeline.spotify.auth.authorization import Authorization, login_command
from spotify_pipeline.spotify.auth.bootstrap import bootstrap_token_is_new, key_of
from spotify_pipeline.spotify.auth.token_store import TokenStore
from spotify_pipeline.spotify.errors import SignInRequired
from spotify_pipeline.spotify.settings import DEFAULT_LABEL, SpotifySettings
from spotify_pipeline.spotify_limits import SIGN_IN_MONTHS

WARNED_BEFORE = timedelta(days=30)


class SignInKind(StrEnum):
    """The state of a sign-in."""

    OK = "ok"
    ENDS_SOON = "ends_soon"
    """In 30 days or less; a sign-in of unknown age too, once it may end so soon."""
    ENDED = "ended"
    """Rejected by Spotify, or older than six months."""
    UNKNOWN_AGE = "unknown_age"
    """It came from a bootstrap token: when the user agreed is unknown."""
    MISSING = "missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInState:
    """The state of a sign-in, and what to do about it.

    Attributes:
        kind: see :class:`SignInKind`.
        ends_at: when Spotify ends it, in UTC; of a sign-in of unknown age: at the latest. None where unknown.
        days_left: whole days until then, 0 on the last; negative once it is over.
        sentence: for a person, with the command to run where one is needed. No token.
    """

    kind: SignInKind
    ends_at: datetime | None
    days_left: int | None
    sentence: str


def sign_in_state(settings: SpotifySettings, store: TokenStore, now: datetime) -> SignInState:
    """The state at ``now`` (an aware datetime) of the sign-in that ``settings`` choose.

    Raises:
        StateError: the sign-in cannot be read.
    """
    key = key_of(settings)
    stored = store.find(*key)
    if bootstrap_token_is_new(settings, store):
        return SignInState(
            kind=SignInKind.UNKNOWN_AGE,
            ends_at=None,
            days_left=None,
            sentence="SPOTIFY_REFRESH_TOKEN is set and has not been used yet; it ends six months after the sign-in "
            "that it came from.",
        )
    if stored is None:
        return SignInState(
            kind=SignInKind.MISSING,
            ends_at=None,
            days_left=None,
            sentence=f"Nobody is signed in{_as(key.label)}. Run `{login_command(key.label)}`.",
        )
    return authorization_state(stored, now)


def authorization_state(authorization: Authorization, now: datetime) -> SignInState:
    """The state of one stored authorization at ``now``."""
    known = authorization.authorized_at is not None
    since = authorization.authorized_at if known else authorization.bootstrapped_at
    begun = None if since is None else datetime.fromtimestamp(since, UTC)
    ends_at = None if begun is None else six_months_after(begun)
    days_left = None if ends_at is None else (ends_at - now) // timedelta(days=1)
    kind, sentence = _judged(authorization, begun, ends_at, now)
    if kind in (SignInKind.ENDED, SignInKind.ENDS_SOON):
        sentence += f" Run `{login_command(authorization.label)}`{'' if kind is SignInKind.ENDED else ' before then'}."
    return SignInState(kind=kind, ends_at=ends_at, days_left=days_left, sentence=sentence)


def six_months_after(moment: datetime) -> datetime:
    """The same day and time six calendar months later, or that month's last day where it is shorter."""
    years, month = divmod(moment.month - 1 + SIGN_IN_MONTHS, 12)
    year = moment.year + years
    return moment.replace(year=year, month=month + 1, day=min(moment.day, monthrange(year, month + 1)[1]))


def end_reason(authorization: Authorization) -> str:
    """Why Spotify rejects an authorization, as far as known here; one sentence."""
    if authorization.refresh_started_at is None:
        return SignInRequired.ended
    begun = datetime.fromtimestamp(authorization.refresh_started_at, UTC)
    return (
        "Spotify no longer accepts the stored authorization: a renewal was interrupted on "
        f"{begun:%Y-%m-%d at %H:%M} UTC, and the new token that Spotify sent was lost."
    )


def _judged(
    authorization: Authorization, begun: datetime | None, ends_at: datetime | None, now: datetime
) -> tuple[SignInKind, str]:
    if authorization.needs_sign_in:
        return SignInKind.ENDED, end_reason(authorization)
    if begun is None or ends_at is None:
        return SignInKind.UNKNOWN_AGE, "The end of the sign-in is unknown: six months after the user agreed."
    if authorization.authorized_at is None:
        origin = f"The sign-in came from SPOTIFY_REFRESH_TOKEN, first used here on {begun:%Y-%m-%d};"
        words = {
            SignInKind.ENDED: f"{origin} it ended on {ends_at:%Y-%m-%d} at the latest.",
            SignInKind.ENDS_SOON: f"{origin} it ends on {ends_at:%Y-%m-%d} at the latest, {_in(ends_at - now)}.",
            SignInKind.OK: f"{origin} it ends on {ends_at:%Y-%m-%d} at the latest, and may end any day before.",
        }
    else:
        label = _as(authorization.label)
        words = {
            SignInKind.ENDED: f"The sign-in{label} ended on {ends_at:%Y-%m-%d}, six months after the user agreed.",
            SignInKind.ENDS_SOON: f"The sign-in{label} ends on {ends_at:%Y-%m-%d}, {_in(ends_at - now)}.",
            SignInKind.OK: f"The sign-in{label} ends on {ends_at:%Y-%m-%d}.",
        }
    kind = _by_age(ends_at - now)
    unknown = kind is SignInKind.OK and authorization.authorized_at is None
    return SignInKind.UNKNOWN_AGE if unknown else kind, words[kind]


def _by_age(left: timedelta) -> SignInKind:
    if left <= timedelta():
        return SignInKind.ENDED
    return SignInKind.ENDS_SOON if left <= WARNED_BEFORE else SignInKind.OK


def _in(left: timedelta) -> str:
    days = left.days
    return "within a day" if days == 0 else f"in {days} day{'' if days == 1 else 's'}"


def _as(label: str) -> str:
    return "" if label == DEFAULT_LABEL else f" as `{label}`"
