"""`login`, `logout`, `authorizations`: who is signed in to Spotify on this machine."""

from __future__ import annotations

import subprocess
import sys
import threading
from contextlib import suppress
from datetime import UTC, datetime
from typing import Annotated

import typer

from spotify_pipeline.cli.project import current_settings, project_state
from spotify_pipeline.cli.spotify.client import LABEL_OPTION, chosen_settings
from spotify_pipeline.cli.table import print_table
from spotify_pipeline.process import environment_of_children
from spotify_pipeline.spotify import (
    DEFAULT_PORT,
    Authorization,
    SettingsInvalid,
    SettingsMissing,
    SignInState,
    SpotifySettings,
    TokenStore,
    authorization_state,
    sign_in,
    sign_out,
    sign_out_of_all,
)


def login(
    label: Annotated[str | None, LABEL_OPTION] = None,
    business: Annotated[
        str | None,
        typer.Option(
            metavar="ID",
            help="Use this sign-in for the ad accounts of this business only. Signing in again keeps it.",
        ),
    ] = None,
    port: Annotated[
        int,
        typer.Option(
            min=1024,
            max=65535,
            help="Port of the redirect URI http://127.0.0.1:PORT/callback, which must be registered for your app in "
            "Spotify's developer dashboard.",
        ),
    ] = DEFAULT_PORT,
) -> None:
    """Sign in with the browser and keep the tokens on this machine.

    Spotify ends a sign-in six months later, whatever is done with it; then sign in again.
    """
    settings = chosen_settings(label)
    store = TokenStore(project_state())

    def show_and_open(address: str) -> None:
        sys.stdout.write(f"Sign in with Spotify in your browser. If none opens, open this address:\n\n{address}\n\n")
        sys.stdout.flush()
        # Where BROWSER names a command, it returns when that ends; we must be there when the browser comes back.
        threading.Thread(target=_open_browser, args=(address,), daemon=True).start()

    signed_in = sign_in(settings, store, open_browser=show_and_open, port=port, business_id=business)
    limits = f", for the business {signed_in.business_id} only" if signed_in.business_id else ""
    ends = authorization_state(signed_in, datetime.now(UTC)).ends_at
    sys.stdout.write(
        f"Signed in as `{signed_in.label}`{limits}. The tokens are in {store.place}, encrypted."
        f"{f' Spotify ends the sign-in on {ends:%Y-%m-%d}.' if ends else ''}\n"
    )


def _open_browser(address: str) -> None:
    command = [sys.executable, "-m", "webbrowser", address]
    with suppress(OSError):  # the address is shown, too
        subprocess.run(  # noqa: S603 - the address is ours
            command, env=environment_of_children(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False
        )


def logout(
    label: Annotated[str | None, LABEL_OPTION] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Every authorization in the token store, also of other apps.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Remove the tokens from this machine. Audiences, lists and journal stay as they are.

    Spotify is not told: to withdraw the consent too, remove the app at https://www.spotify.com/account/apps/.
    """
    if everything and label is not None:
        raise typer.BadParameter("--all takes every label; leave --label away.")
    store = TokenStore(project_state())
    settings = _settings_or_none() if everything else chosen_settings(label)
    what = "every authorization" if settings is None or everything else f"the authorization `{settings.authorization}`"
    if not yes:
        typer.confirm(
            f"Remove the tokens of {what} from {store.place}? Audiences at Spotify stay as they are; nothing is "
            "synced until somebody signs in again.",
            abort=True,
        )
    if settings is None or everything:
        sign_out_of_all(settings, store)
        sys.stdout.write("Signed out of everything. ")
    elif sign_out(settings, store):
        sys.stdout.write(f"Signed out of `{settings.authorization}`. ")
    else:
        sys.stdout.write(f"Nobody was signed in as `{settings.authorization}`. ")
    sys.stdout.write("Audiences stay as they are.\n")
    if settings is not None and settings.refresh_token is not None:
        sys.stdout.write("SPOTIFY_REFRESH_TOKEN is still set; it is not used again, but remove it from where it is.\n")


def authorizations() -> None:
    """List who is signed in on this machine: label, business, since when, until when. `*` marks the one in use."""
    now = datetime.now(UTC)
    stored = TokenStore(project_state()).all()
    settings = _settings_or_none()
    used = None if settings is None else (settings.accounts_url, settings.client_id, settings.authorization)
    states = [(each, authorization_state(each, now)) for each in stored]
    several = len({(each.issuer, each.client_id) for each in stored}) > 1
    columns = ("", "label", "business", "signed in", "ends", "state")
    print_table(
        "authorizations",
        (*columns, "client id", "accounts service") if several else columns,
        [
            (
                "*" if each.key == used else "",
                *_row(each, state),
                *((each.client_id, each.issuer) if several else ()),
            )
            for each, state in states
        ],
    )
    for each, state in states:
        if each.needs_sign_in or state.kind != "ok":
            sys.stdout.write(f"{each.label}: {state.sentence}\n")


def _row(each: Authorization, state: SignInState) -> tuple[str, str, str, str, str]:
    begun = _day(each.authorized_at) or (
        f"unknown, here since {_day(each.bootstrapped_at)}" if each.bootstrapped_at else "unknown"
    )
    bound = "" if each.authorized_at is not None else " at the latest"
    ends = f"{state.ends_at:%Y-%m-%d}{bound}" if state.ends_at else "unknown"
    return each.label, each.business_id or "any", begun, ends, state.kind.replace("_", " ")


def _day(seconds: float | None) -> str | None:
    return None if seconds is None else f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d}"


def _settings_or_none() -> SpotifySettings | None:
    """Signing out of all and listing work without settings, or with wrong ones, too."""
    try:
        return current_settings().spotify()
    except (SettingsMissing, SettingsInvalid):
        return None
