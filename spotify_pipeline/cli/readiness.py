"""What a sync needs, and how each thing is looked at."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from pathlib import Path

from spotify_pipeline.cli.account_commands import signed_in
from spotify_pipeline.cli.errors import EXPECTED
from spotify_pipeline.cli.project import load_audiences
from spotify_pipeline.home import home_directory, private_directory
from spotify_pipeline.spotify import SpotifySettings, TokenStore
from spotify_pipeline.warehouse import WAREHOUSE_VARIABLE, warehouse_file

SIGN_IN_LASTS = timedelta(days=182)
"""Spotify ends a sign-in six months after it was given; refreshing does not extend it (since June 2026)."""
WARN_BEFORE_END = timedelta(days=30)
ROOM_NEEDED = 2 * 1024**3
WRITING_ROLES = ("AD_ACCOUNT_ADMIN", "AD_ACCOUNT_CONTRIBUTOR")


class State(Enum):
    """How one thing stands."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Finding:
    """The outcome of one look, as a sentence that ends with what to do where something is wrong."""

    state: State
    sentence: str


@dataclass(frozen=True)
class Readiness:
    """One thing that a sync needs."""

    name: str
    look: Callable[[], Finding]
    needs: tuple[str, ...] = ()


def _finding(look: Callable[[], Finding]) -> Callable[[], Finding]:
    def looked() -> Finding:
        try:
            return look()
        except EXPECTED as error:
            return Finding(State.FAILED, str(error))

    return looked


def _home() -> Finding:
    home = private_directory(home_directory())
    free = shutil.disk_usage(home).free
    if free < ROOM_NEEDED:
        return Finding(
            State.WARNING, f"{home} has {free / 1024**3:.1f} GiB free; a list may take 1 GiB. Free some space."
        )
    return Finding(State.OK, f"{home}, {free / 1024**3:.0f} GiB free")


def _warehouse() -> Finding:
    file = warehouse_file()
    if not file.exists():
        return Finding(State.FAILED, f"there is no file {file}. Set {WAREHOUSE_VARIABLE} to your DuckDB warehouse.")
    if not os.access(file, os.R_OK):
        return Finding(State.FAILED, f"{file} cannot be read by this user. Correct its owner or mode.")
    return Finding(State.OK, str(file))


def _definitions() -> Finding:
    audiences = load_audiences()
    return Finding(State.OK, f"{len(audiences)} audiences: {', '.join(audiences) or 'none yet'}")


def _dagster_home() -> Finding:
    named = os.environ.get("DAGSTER_HOME", "").strip()
    if not named:
        return Finding(
            State.WARNING,
            "DAGSTER_HOME is not set, so Dagster forgets runs and schedules when it stops. Set it to a directory and "
            "put deploy/one_machine/dagster.yaml there.",
        )
    if not (Path(named) / "dagster.yaml").exists():
        return Finding(
            State.WARNING,
            f"{named} has no dagster.yaml, so runs of one audience may overlap. Copy deploy/one_machine/dagster.yaml "
            "there.",
        )
    return Finding(State.OK, named)


def _settings() -> Finding:
    settings = SpotifySettings.from_environment()
    way = "client secret" if settings.client_secret else "PKCE, no client secret"
    return Finding(State.OK, f"client id set ({way}); Ads API at {settings.ads_api_url}")


def _sign_in() -> Finding:
    settings = SpotifySettings.from_environment()
    store = TokenStore.at_home()
    stored = store.find(settings.accounts_url, settings.client_id)
    if stored is None and settings.refresh_token is None:
        return Finding(State.FAILED, "nobody is signed in. Run `spotify-pipeline login`.")
    with signed_in() as (client, _):
        names = [business.name for business in client.businesses()]
    stored = store.find(settings.accounts_url, settings.client_id)
    businesses = f"signed in; businesses: {', '.join(names) or 'none'}"
    if stored is None or stored.authorized_at is None:
        return Finding(
            State.OK, f"{businesses}. When it ends is not known: it ends six months after the sign-in it came from."
        )
    ends = datetime.fromtimestamp(stored.authorized_at, UTC) + SIGN_IN_LASTS
    if ends - datetime.now(UTC) < WARN_BEFORE_END:
        return Finding(
            State.WARNING, f"{businesses}. The sign-in ends on {ends:%Y-%m-%d}. Run `spotify-pipeline login` before."
        )
    return Finding(State.OK, f"{businesses}. The sign-in ends on {ends:%Y-%m-%d}.")


def _ad_accounts() -> Finding:
    with signed_in() as (client, settings):
        accounts = [client.ad_account(each) for each in _accounts_in_use(settings)]
        listed = sum(1 for account in accounts for _ in client.audiences(account.id))
    said = "; ".join(
        f"{each.name} ({each.id}), {each.status or 'status unknown'}, your role {each.role or 'unknown'}"
        for each in accounts
    )
    if any(each.status not in (None, "ACTIVE") for each in accounts):
        return Finding(State.FAILED, f"{said}. Only an ACTIVE account can be synced to; ask Spotify's support.")
    if any(each.role is not None and each.role not in WRITING_ROLES for each in accounts):
        return Finding(State.FAILED, f"{said}. Ask its administrator for the role AD_ACCOUNT_CONTRIBUTOR.")
    return Finding(State.OK, f"{said}; {listed} audiences there")


def _accounts_in_use(settings: SpotifySettings) -> list[str]:
    """The accounts that the YAML files name, and the default one where any leaves it open."""
    stated = load_audiences().values()
    named = {account for account in stated if account is not None}
    if None in stated or not stated:
        named.add(settings.require_ad_account_id())
    return sorted(named)


READINESS = (
    Readiness("home", _finding(_home)),
    Readiness("warehouse", _finding(_warehouse)),
    Readiness("audiences' YAML", _finding(_definitions)),
    Readiness("Dagster's home", _finding(_dagster_home)),
    Readiness("Spotify app", _finding(_settings)),
    Readiness("sign-in", _finding(_sign_in), needs=("home", "Spotify app")),
    Readiness("ad accounts", _finding(_ad_accounts), needs=("audiences' YAML", "sign-in")),
)
