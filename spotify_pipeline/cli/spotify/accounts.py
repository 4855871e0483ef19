"""`businesses`, `ad-accounts`, `audiences`: look at what there is at Spotify."""

from __future__ import annotations

from typing import Annotated

import typer

from spotify_pipeline.cli.spotify.client import LABEL_OPTION, chosen_settings, signed_in
from spotify_pipeline.cli.table import print_table
from spotify_pipeline.spotify import Audience


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


def _size(audience: Audience) -> str:
    return f"{audience.size_min or 0:,} - {audience.size_max:,}" if audience.size_max else ""
