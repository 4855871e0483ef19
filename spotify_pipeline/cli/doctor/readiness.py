"""What a sync needs, and how each thing is looked at."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TypeAlias

from spotify_pipeline.cli.dagster import how_to_end, how_to_free, leaked_slots, silent_slots
from spotify_pipeline.cli.doctor import local_files
from spotify_pipeline.cli.doctor.check_result import CheckResult, State, checked, combined
from spotify_pipeline.cli.doctor.feeds import Feeds, connections, outboxes
from spotify_pipeline.cli.errors import CommandError
from spotify_pipeline.cli.project import (
    AudienceAccount,
    FeedConnection,
    current_settings,
    project_home,
    project_state,
)
from spotify_pipeline.cli.spotify import signed_in
from spotify_pipeline.home import atomic_private_file, private_directory
from spotify_pipeline.settings import DAGSTER_SETTINGS, DEFAULT
from spotify_pipeline.spotify import (
    BusinessNotAllowed,
    SignInKind,
    SpotifySettings,
    TokenStore,
    revealed,
    sign_in_state,
)
from spotify_pipeline.warehouse import WarehouseHeld, chosen_warehouse, open_to_read

ROOM_NEEDED = 2 * 1024**3
PROBE_BYTES = 1024**2
Audiences: TypeAlias = Callable[[], Mapping[str, AudienceAccount]]
"""Gives the project's audiences, or raises CommandError where their YAML is wrong."""
WRITING_ROLES = ("AD_ACCOUNT_ADMIN", "AD_ACCOUNT_CONTRIBUTOR")


@dataclass(frozen=True)
class Readiness:
    """One thing that a sync needs."""

    name: str
    look: Callable[[], CheckResult]
    needs: tuple[str, ...] = ()


def _origins() -> CheckResult:
    """Where each setting came from, without any value; those that are left to their default are not named."""
    found = current_settings()
    places: dict[str, list[str]] = {}
    for each in found.origins():
        if each.place != DEFAULT:
            places.setdefault(each.place, []).append(each.variable or each.setting)
    said = [f"from {place}: {', '.join(names)}" for place, names in places.items()]
    return CheckResult(State.OK, "; ".join([f"project {found.project.root}", *said, "all others: default"]))


def _home() -> CheckResult:
    home = private_directory(project_home())
    _probe(home)
    free = shutil.disk_usage(home).free
    if free < ROOM_NEEDED:
        return CheckResult(
            State.WARNING, f"{home} has {free / 1024**3:.1f} GiB free; a list may take 1 GiB. Free some space."
        )
    return CheckResult(State.OK, f"{home}, {free / 1024**3:.0f} GiB free")


def _probe(home: Path) -> None:
    """Write a file as a run does, and remove it: a full or read-only disk is not known before.

    Raises:
        HomeError: it cannot be written.
    """
    probe = home / ".doctor-probe"
    try:
        with atomic_private_file(probe) as file:
            file.write(bytes(PROBE_BYTES))
    finally:
        probe.unlink(missing_ok=True)


def _warehouse() -> CheckResult:
    file = current_settings().warehouse
    if not isinstance(file, Path):
        with chosen_warehouse(revealed(file)):
            return CheckResult(State.OK, f"{file['class']}, which can be opened")
    try:
        open_to_read(file).close()
    except WarehouseHeld:
        return CheckResult(State.OK, f"{file}; another process writes to it now, so it was not opened")
    return CheckResult(State.OK, str(file))


def _definitions(audiences: Audiences) -> CheckResult:
    found = audiences()
    return CheckResult(State.OK, f"{len(found)} audiences: {', '.join(found) or 'none yet'}")


def _dagster_home() -> CheckResult:
    named = os.environ.get("DAGSTER_HOME", "").strip()
    if not named:
        return CheckResult(
            State.WARNING,
            "DAGSTER_HOME is not set, so Dagster forgets runs and schedules when it stops. Set it to "
            "the absolute path of a directory; `spotify-pipeline init` makes one, .dagster_home.",
        )
    if not (Path(named) / "dagster.yaml").exists():
        return CheckResult(
            State.WARNING,
            f"{named} has no dagster.yaml, so runs of one audience may overlap. Copy {DAGSTER_SETTINGS} there.",
        )
    return CheckResult(State.OK, named)


def _pools() -> CheckResult:
    if not os.environ.get("DAGSTER_HOME", "").strip():
        return CheckResult(State.OK, "not looked at, as DAGSTER_HOME is not set")
    import dagster as dg

    try:
        with dg.DagsterInstance.get() as instance:
            now = datetime.now(UTC)
            leaked, silent = leaked_slots(instance, now), silent_slots(instance, now)
    except Exception as error:  # noqa: BLE001 - of a broken dagster.yaml it may be anything, and quote the file
        return CheckResult(
            State.FAILED,
            f"Dagster's storage cannot be opened ({type(error).__name__}). Correct DAGSTER_HOME or its dagster.yaml.",
        )
    if leaked:
        return CheckResult(State.FAILED, how_to_free(leaked))
    if silent:
        return CheckResult(State.WARNING, how_to_end(silent))
    return CheckResult(State.OK, "no place is held by a run that has ended")


def _settings() -> CheckResult:
    settings = current_settings().spotify()
    way = "client secret" if settings.client_secret else "PKCE, no client secret"
    return CheckResult(State.OK, f"client id set ({way}); Ads API at {settings.ads_api_url}")


def _sign_ins(audiences: Audiences) -> CheckResult:
    targets: Mapping[str, AudienceAccount] = {}
    with suppress(CommandError):  # told in its own line
        targets = audiences()
    found = combined([checked(partial(_sign_in, each)) for each in _settings_in_use(targets)])
    return found or CheckResult(State.OK, "none is needed")


def _sign_in(settings: SpotifySettings) -> CheckResult:
    store = TokenStore(project_state())
    before = sign_in_state(settings, store, datetime.now(UTC))
    if before.kind is SignInKind.MISSING:
        return CheckResult(State.FAILED, before.sentence)
    with signed_in(settings) as client:
        names = [business.name for business in client.businesses()]
    now = sign_in_state(settings, store, datetime.now(UTC))
    # Ended by our reckoning is a warning here: Spotify, which decides, has just answered.
    soon = now.kind in (SignInKind.ENDS_SOON, SignInKind.ENDED)
    said = f"signed in as `{settings.authorization}`; businesses: {', '.join(names) or 'none'}. {now.sentence}"
    return CheckResult(State.WARNING if soon else State.OK, said)


def _ad_accounts(audiences: Audiences) -> CheckResult:
    targets = audiences()
    found = combined(
        [
            checked(partial(_ad_account, each, account))
            for each in _settings_in_use(targets)
            for account in _accounts_of(each, targets)
        ]
    )
    return found or CheckResult(State.OK, "none is needed")


def _ad_account(settings: SpotifySettings, ad_account_id: str) -> CheckResult:
    label = settings.authorization
    with signed_in(settings) as client:
        account = client.ad_account(ad_account_id)
        listed = sum(1 for _ in client.audiences(account.id))
    said = (
        f"{account.name} ({account.id}), {account.status or 'status unknown'}, the role of `{label}` there is "
        f"{account.role or 'unknown'}"
    )
    authorization = TokenStore(project_state()).find(settings.accounts_url, settings.client_id, label)
    allowed = None if authorization is None else authorization.business_id
    if allowed is not None and (account.business_id or "").lower() != allowed.lower():
        return CheckResult(
            State.FAILED,
            f"{said}. It belongs to the business {account.business_id or 'it does not say'}, and `{label}` is for "
            f"{allowed} only. {BusinessNotAllowed.usual_next_step}",
        )
    if account.status not in (None, "ACTIVE"):
        return CheckResult(State.FAILED, f"{said}. Only an ACTIVE account can be synced to; ask Spotify's support.")
    if account.role is not None and account.role not in WRITING_ROLES:
        return CheckResult(State.FAILED, f"{said}. Ask its administrator for the role AD_ACCOUNT_CONTRIBUTOR.")
    return CheckResult(State.OK, f"{said}; {listed} audiences there.")


def _settings_in_use(targets: Mapping[str, AudienceAccount]) -> list[SpotifySettings]:
    """The environment's settings with each label that an audience uses; as they are where there is no audience."""
    settings = current_settings().spotify()
    labels = {each.authorization or settings.authorization for each in targets.values()} or {settings.authorization}
    return [settings.choosing(label) for label in sorted(labels)]


def _accounts_of(settings: SpotifySettings, targets: Mapping[str, AudienceAccount]) -> list[str]:
    """The ad accounts that are written to with this label; the default one where there is no audience."""
    default = current_settings().spotify().authorization
    with_it = [each for each in targets.values() if (each.authorization or default) == settings.authorization]
    stated = {each.ad_account_id for each in with_it} or {None}
    return sorted({account or settings.require_ad_account_id() for account in stated})


def readiness(audiences: Audiences, feeds: Feeds = dict[str, FeedConnection]) -> list[Readiness]:
    """Everything that a sync of these audiences and feeds needs, in the order to put it right."""
    return [
        Readiness("settings", partial(checked, _origins)),
        Readiness("home", partial(checked, _home), needs=("settings",)),
        Readiness("private files", partial(checked, local_files.private_files), needs=("home",)),
        Readiness("journal", partial(checked, local_files.journal), needs=("home",)),
        Readiness("receipts", partial(checked, local_files.receipts), needs=("home",)),
        Readiness("erasures", partial(checked, local_files.erasures), needs=("home",)),
        Readiness("lists", partial(checked, local_files.lists), needs=("home",)),
        Readiness("tokens", partial(checked, local_files.tokens), needs=("home",)),
        Readiness("rate budget", partial(checked, local_files.rate), needs=("home",)),
        Readiness("warehouse", partial(checked, _warehouse), needs=("settings",)),
        Readiness("audiences' YAML", partial(checked, partial(_definitions, audiences))),
        Readiness("Dagster's home", partial(checked, _dagster_home)),
        Readiness("Dagster's pools", partial(checked, _pools)),
        Readiness("Spotify app", partial(checked, _settings), needs=("settings",)),
        Readiness("sign-in", partial(checked, partial(_sign_ins, audiences)), needs=("home", "Spotify app")),
        Readiness(
            "ad accounts", partial(checked, partial(_ad_accounts, audiences)), needs=("audiences' YAML", "sign-in")
        ),
        Readiness("outboxes", partial(checked, partial(outboxes, feeds)), needs=("home", "audiences' YAML")),
        Readiness("conversions", partial(checked, partial(connections, feeds)), needs=("audiences' YAML", "sign-in")),
    ]
