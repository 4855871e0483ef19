"""`spotify-pipeline conversions`: data sets, connections and tokens at Spotify, once before a feed can send."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from spotify_pipeline.cli.conversions.env_file import add_secret
from spotify_pipeline.cli.errors import CommandError
from spotify_pipeline.cli.project import project
from spotify_pipeline.cli.spotify import LABEL_OPTION, chosen_settings, signed_in
from spotify_pipeline.cli.table import print_table
from spotify_pipeline.home import HomeError
from spotify_pipeline.mirror import CreateOnce
from spotify_pipeline.printable import printable
from spotify_pipeline.spotify import (
    Business,
    Dataset,
    NewCapiToken,
    Secret,
    SpotifyAdsClient,
    SpotifyError,
    UnexpectedResponse,
)

T = TypeVar("T")
Label = Annotated[str | None, LABEL_OPTION]
BusinessOption = Annotated[
    str | None, typer.Option("--business", metavar="ID", help="Of this business; needed where you belong to several.")
]
ConnectionArgument = Annotated[str, typer.Argument(metavar="CONNECTION", help="Its id, as `datasets` shows it.")]
DatasetArgument = Annotated[str, typer.Argument(metavar="DATASET", help="Its id, as `datasets` shows it.")]
AdAccountOption = Annotated[
    str | None, typer.Option("--ad-account", metavar="ID", help="By default SPOTIFY_AD_ACCOUNT_ID.")
]


def datasets(business: BusinessOption = None, label: Label = None) -> None:
    """List the data sets, with the connection that sends to each and the ad accounts that may use it."""
    with signed_in(chosen_settings(label)) as client:
        wanted = [business] if business else [each.id for each in client.businesses()]
        rows = [_line(each) for identity in wanted for each in client.datasets(identity)]
    columns = ("id", "name", "connection", "integration", "pixel", "events arrive", "shared with")
    print_table("data sets", columns, rows)


def create_dataset(
    name: Annotated[str, typer.Argument(help="What Ads Manager calls it.")],
    integration: Annotated[
        list[str], typer.Option(metavar="ID", help="An integration that moves into it; repeat for several.")
    ],
    business: BusinessOption = None,
    label: Label = None,
) -> None:
    """Make a data set of integrations that exist. A new connection has one of its own already: see `connect`.

    Do not join a pixel and a connection this way: the pixel's data set may stay empty, and Spotify then takes events
    and uses none. Make the pixel first, then `connect NAME --dataset` with the pixel's data set.
    """
    with signed_in(chosen_settings(label)) as client:
        of = _business(client, business).id
        made = _made_once(lambda: client.create_dataset(of, name, integration), "data set", "datasets")
    sys.stdout.write(f"Made the data set {printable(made.name)} ({made.id}).\n")
    if made.pixel_joined_late:
        sys.stdout.write(
            "Its pixel names another data set or none, so events may be accepted and lead nowhere. Take the pixel out "
            "of it in Ads Manager.\n"
        )


def connect(
    name: Annotated[str, typer.Argument(help="What Ads Manager calls the connection.")],
    dataset: Annotated[
        str | None,
        typer.Option(metavar="ID", help="The data set of your pixel; by default the connection gets a new one."),
    ] = None,
    business: BusinessOption = None,
    label: Label = None,
) -> None:
    """Make a connection, through which a feed sends its events.

    Where your pages send the same events by a pixel, make that first and name its data set here: the same event from
    both is counted once only within one data set.
    """
    with signed_in(chosen_settings(label)) as client:
        of = _business(client, business).id
        made = _made_once(lambda: client.create_capi_connection(of, name, dataset), "connection", "datasets")
    sys.stdout.write(
        f"Made the connection {made.name}.\n\n"
        f"  SPOTIFY_CAPI_CONNECTION_ID={made.id}\n\n"
        f"Next: `spotify-pipeline conversions create-token {made.id}`, then `spotify-pipeline conversions share "
        f"{made.dataset_id or 'DATASET'}` so that an ad account may use its events.\n"
    )


def tokens(connection: ConnectionArgument, label: Label = None) -> None:
    """List a connection's tokens, without the tokens themselves. Spotify allows three."""
    with signed_in(chosen_settings(label)) as client:
        business = _of_connection(client, connection)
        found = client.capi_tokens(business.id, connection)
    print_table("tokens", ("id", "made"), [(each.id, str(each.created_at or "")) for each in found])


def create_token(
    connection: ConnectionArgument,
    variable: Annotated[
        str, typer.Option(help="The environment variable under which it is written.")
    ] = "SPOTIFY_CAPI_TOKEN",
    env_file: Annotated[
        Path | None, typer.Option(help="The file that it is added to, private to you; by default the project's .env.")
    ] = None,
    label: Label = None,
) -> None:
    """Make a token and write it into a private file. It does not end by itself, and is not shown."""
    file = env_file or project().env_file
    with signed_in(chosen_settings(label)) as client:
        _add_new_token(client, connection, file, variable)
    sys.stdout.write(f"Wrote a new token as {variable} into {file}. Keep that file to yourself.\n")


def delete_token(
    connection: ConnectionArgument,
    token: Annotated[str, typer.Argument(metavar="TOKEN", help="Its id, as `tokens` shows it.")],
    label: Label = None,
) -> None:
    """Delete a token. Spotify refuses it from then on."""
    with signed_in(chosen_settings(label)) as client:
        client.delete_capi_token(_of_connection(client, connection).id, connection, token)
    sys.stdout.write(f"Deleted the token {token}.\n")


def share(dataset: DatasetArgument, ad_account: AdAccountOption = None, label: Label = None) -> None:
    """Let an ad account use a data set: its campaigns are measured by these events from then on."""
    settings = chosen_settings(label)
    account = ad_account or settings.require_ad_account_id()
    with signed_in(settings) as client:
        business, found = _of_dataset(client, dataset)
        client.share_dataset(business.id, found.id, account)
    sys.stdout.write(f"Ad account {account} may use the data set {dataset}.\n")


def unshare(dataset: DatasetArgument, ad_account: AdAccountOption = None, label: Label = None) -> None:
    """Take a data set away from an ad account."""
    settings = chosen_settings(label)
    account = ad_account or settings.require_ad_account_id()
    with signed_in(settings) as client:
        business, found = _of_dataset(client, dataset)
        client.unshare_dataset(business.id, found.id, account)
    sys.stdout.write(f"Ad account {account} no longer uses the data set {dataset}.\n")


def _line(dataset: Dataset) -> tuple[str, ...]:
    connection = dataset.capi_connection
    return (
        dataset.id,
        dataset.name + (" (archived)" if dataset.is_archived else ""),
        connection.id if connection else "",
        connection.integration_id or "" if connection else "",
        "yes" if dataset.has_pixel else "",
        "yes" if dataset.is_receiving_events else "",
        ", ".join(dataset.shared_ad_account_ids),
    )


def _business(client: SpotifyAdsClient, stated: str | None) -> Business:
    found = client.businesses()
    chosen = [each for each in found if stated is None or each.id.lower() == stated.lower()]
    if len(chosen) == 1:
        return chosen[0]
    there_are = ", ".join(f"{each.name} ({each.id})" for each in found) or "none"
    if stated is not None:
        raise CommandError(f"You do not belong to a business {stated}. There are: {there_are}.")
    raise CommandError(f"Name the business with --business. There are: {there_are}.")


def _of_connection(client: SpotifyAdsClient, connection: str) -> Business:
    found = client.find_capi_connection(connection)
    if found is None:
        raise CommandError(
            f"No data set of yours has a connection {connection}. `spotify-pipeline conversions datasets` lists those "
            "there are, `... connect` makes one."
        )
    return found[0]


def _of_dataset(client: SpotifyAdsClient, dataset: str) -> tuple[Business, Dataset]:
    found = client.find_dataset(dataset)
    if found is None:
        raise CommandError(
            f"You have no data set {dataset}. `spotify-pipeline conversions datasets` lists those there are."
        )
    return found


def _add_new_token(client: SpotifyAdsClient, connection: str, env_file: Path, variable: str) -> None:
    """Make a token and write it; one that cannot be written is deleted again, as nobody would know it."""
    business = _of_connection(client, connection)
    made: list[NewCapiToken] = []

    def ask() -> NewCapiToken:
        token = client.create_capi_token(business.id, connection)
        if token.id not in {each.id for each in client.capi_tokens(business.id, connection)}:
            raise UnexpectedResponse(
                f"Spotify answered with a token that is not among those of the connection {connection}, so it was not "
                "written.",
                may_have_happened=True,
            )
        return token

    def make() -> Secret:
        made.append(_made_once(ask, "token", f"tokens {connection}"))
        return made[0].token

    try:
        add_secret(env_file, variable, make)
    except (CommandError, HomeError) as failure:
        if not made:
            raise
        try:
            client.delete_capi_token(business.id, connection, made[0].id)
        except SpotifyError:
            raise CommandError(
                f"{failure} Delete the new token: `spotify-pipeline conversions delete-token {connection} "
                f"{made[0].id}`."
            ) from None
        raise CommandError(f"{failure} The new token was deleted again.") from None


def _made_once(ask: Callable[[], T], what: str, listing: str) -> T:
    """What is asked for. Where it may have been made although the call failed, only a person can look which it is."""
    look = f"look with `spotify-pipeline conversions {listing}` before you run this again."
    return CreateOnce(ask=ask, look_first=f"The {what} may have been made all the same: {look}").run()
