"""What a sync needs, and how each thing is looked at."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path

from spotify_pipeline.cli.account_commands import signed_in
from spotify_pipeline.cli.errors import EXPECTED
from spotify_pipeline.cli.pool_slots import how_to_free, leaked_slots
from spotify_pipeline.cli.project import load_audiences
from spotify_pipeline.home import home_directory, private_directory
from spotify_pipeline.spotify import SignInKind, SpotifySettings, TokenStore, sign_in_state
from spotify_pipeline.warehouse import WAREHOUSE_VARIABLE, warehouse_file

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


def _pools() -> Finding:
    if not os.environ.get("DAGSTER_HOME", "").strip():
        return Finding(State.OK, "not looked at, as DAGSTER_HOME is not set")
    import dagster as dg

    try:
        with dg.DagsterInstance.get() as instance:
            leaked = leaked_slots(instance, datetime.now(UTC))
    except dg.DagsterError as error:
        return Finding(
            State.FAILED,
            f"Dagster's storage cannot be opened ({type(error).__name__}). Correct DAGSTER_HOME or its dagster.yaml.",
        )
    if leaked:
        return Finding(State.FAILED, how_to_free(leaked))
    return Finding(State.OK, "no place is held by a run that has ended")


def _settings() -> Finding:
    settings = SpotifySettings.from_environment()
    way = "client secret" if settings.client_secret else "PKCE, no client secret"
    return Finding(State.OK, f"client id set ({way}); Ads API at {settings.ads_api_url}")


def _sign_in() -> Finding:
    settings = SpotifySettings.from_environment()
    store = TokenStore.at_home()
    before = sign_in_state(settings, store, datetime.now(UTC))
    if before.kind is SignInKind.MISSING:
        return Finding(State.FAILED, before.sentence)
    with signed_in() as (client, _):
        names = [business.name for business in client.businesses()]
    now = sign_in_state(settings, store, datetime.now(UTC))
    # Ended by our reckoning is a warning here: Spotify, which decides, has just answered.
    soon = now.kind in (SignInKind.ENDS_SOON, SignInKind.ENDED)
    said = f"signed in as `{settings.authorization}`; businesses: {', '.join(names) or 'none'}. {now.sentence}"
    return Finding(State.WARNING if soon else State.OK, said)


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
    Readiness("Dagster's pools", _finding(_pools), needs=("Dagster's home",)),
    Readiness("Spotify app", _finding(_settings)),
    Readiness("sign-in", _finding(_sign_in), needs=("home", "Spotify app")),
    Readiness("ad accounts", _finding(_ad_accounts), needs=("audiences' YAML", "sign-in")),
)
