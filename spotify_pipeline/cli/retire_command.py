"""`spotify-pipeline retire`: what becomes of an audience that is not mirrored any more."""

from __future__ import annotations

import getpass
import sys
from contextlib import nullcontext
from datetime import UTC, datetime
from typing import Annotated

import typer

from spotify_pipeline.cli.account_commands import LABEL_OPTION, chosen_settings, signed_in
from spotify_pipeline.cli.errors import CommandError
from spotify_pipeline.cli.project import load_audiences
from spotify_pipeline.customer_list import SnapshotStore
from spotify_pipeline.erasure import ErasureLedger
from spotify_pipeline.home import home_directory
from spotify_pipeline.mirror import Journal, ReceiptBook, RemovalPolicy, retire

SHORTEST_REASON = 10


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("retire")(retire_audience)


def retire_audience(
    audience: Annotated[str, typer.Argument(help="The folder name it had.")],
    policy: Annotated[
        RemovalPolicy,
        typer.Option(help="leave: it stays at Spotify as it is, and ages. delete: refused while a campaign uses it."),
    ],
    reason: Annotated[str, typer.Option(help="Why, in a sentence. It stands in the receipt.")],
    by: Annotated[str | None, typer.Option(metavar="NAME", help="Who decides; by default your user name.")] = None,
    ad_account: Annotated[
        str | None, typer.Option(metavar="ID", help="Where it is; by default SPOTIFY_AD_ACCOUNT_ID.")
    ] = None,
    label: Annotated[str | None, LABEL_OPTION] = None,
) -> None:
    """Take leave of an audience whose YAML was removed, with its parts and its lookalike; its lists are deleted here.

    Until you do, the check `no_orphans` reports it: an audience that nobody updates keeps the people of its last list.
    """
    if len(reason.strip()) < SHORTEST_REASON:
        raise CommandError(f"State a reason of at least {SHORTEST_REASON} characters: it is what the receipt will say.")
    if audience in load_audiences():
        raise CommandError(
            f"{audience} still has a YAML file, and its next run would make the audience again. Nothing was changed. "
            "Remove its folder below spotify_pipeline/defs/audiences first."
        )
    settings = chosen_settings(label)
    journal = Journal(home_directory() / "journal")
    deleting = policy is RemovalPolicy.DELETE
    began = datetime.now(UTC)
    with signed_in(settings) if deleting else nullcontext() as client:
        retired = retire(
            client,
            journal,
            ReceiptBook.beside(journal),
            audience=audience,
            ad_account_id=ad_account or settings.require_ad_account_id(),
            policy=policy,
            reason=reason.strip(),
            by=by or getpass.getuser(),
        )
    if deleting:
        # Whoever asked to be forgotten is gone from Spotify with the audience.
        ErasureLedger.at_home().done(audience, decided_at=began)
    SnapshotStore(home_directory() / "data").forget_audience(audience)
    for each in retired:
        what = "deleted at Spotify" if deleting else "left at Spotify as it is"
        number, known = each.receipt.number, each.audience_id or "of unknown id"
        sys.stdout.write(f"{each.key}: audience {known} was {what}; receipt {number} says so.\n")
    sys.stdout.write(f"The lists of {audience} that were kept here are deleted.\n")
