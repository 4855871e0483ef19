"""`businesses`, `ad-accounts`, `audiences`: look at what there is at Spotify."""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from spotify_pipeline.printable import printable
from spotify_pipeline.spotify import Audience, SpotifyAdsClient, SpotifySettings, TokenStore

LABEL_OPTION = typer.Option(
    metavar="LABEL", help="Which authorization, where you keep several; by default SPOTIFY_AUTHORIZATION, or `default`."
)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("businesses")(businesses)
    app.command("ad-accounts")(ad_accounts)
    app.command("audiences")(audiences)


def businesses(label: Annotated[str | None, LABEL_OPTION] = None) -> None:
    """List the businesses that you belong to."""
    with signed_in(chosen_settings(label)) as client:
        rows = [(each.id, each.name, each.type, each.status) for each in client.businesses()]
    print_table("businesses", ("id", "name", "type", "status"), rows)


def ad_accounts(
    business: Annotated[str | None, typer.Option(metavar="ID", help="Only those of this business.")] = None,
    label: Annotated[str | None, LABEL_OPTION] = None,
) -> None:
    """List the ad accounts that you may see, with your role in each."""
    with signed_in(chosen_settings(label)) as client:
        wanted = [business] if business else [each.id for each in client.businesses()]
        rows = [
            (each.id, each.name, each.status, each.role, each.country_code, each.currency_code)
            for identity in wanted
            for each in client.ad_accounts(identity)
        ]
    print_table("ad accounts", ("id", "name", "status", "your role", "country", "currency"), rows)


def audiences(
    ad_account: Annotated[
        str | None, typer.Option(metavar="ID", help="Of this ad account; by default SPOTIFY_AD_ACCOUNT_ID.")
    ] = None,
    search: Annotated[str | None, typer.Option(help="Only audiences that Spotify finds by this text.")] = None,
    label: Annotated[str | None, LABEL_OPTION] = None,
) -> None:
    """List the audiences of an ad account, with status and size."""
    settings = chosen_settings(label)
    with signed_in(settings) as client:
        found = client.audiences(ad_account or settings.require_ad_account_id(), query=search)
        rows = [(each.id, each.name, each.subtype or each.type, each.status, _size(each)) for each in found]
    print_table("audiences", ("id", "name", "kind", "status", "size"), rows)


def chosen_settings(label: str | None) -> SpotifySettings:
    """The environment's settings, with the authorization of that label where one is named."""
    settings = SpotifySettings.from_environment()
    return settings if label is None else settings.choosing(label)


@contextmanager
def signed_in(settings: SpotifySettings) -> Generator[SpotifyAdsClient]:
    """A client with these settings and the tokens of this machine."""
    with SpotifyAdsClient.open(settings, TokenStore.at_home()) as client:
        yield client


def _size(audience: Audience) -> str:
    return f"{audience.size_min or 0:,} - {audience.size_max:,}" if audience.size_max else ""


def print_table(what: str, columns: Sequence[str], rows: Iterable[Sequence[str | None]]) -> None:
    """Write rows for a person to read, each cell made printable, or ``No <what>.`` where there are none."""
    lines = list(rows)
    if not lines:
        sys.stdout.write(f"No {what}.\n")
        return
    table = Table(*columns, box=None, pad_edge=False)
    for line in lines:
        table.add_row(*[printable(cell or "") for cell in line])
    # Names at Spotify may hold `[x]` or `:smile:`, which must not be read as markup; ids must not be cut to the window.
    console = Console(markup=False, emoji=False, highlight=False, soft_wrap=True)
    if not console.is_terminal:
        console = Console(markup=False, emoji=False, highlight=False, width=400)
    console.print(table)
