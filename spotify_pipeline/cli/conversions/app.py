"""The group `spotify-pipeline conversions` and its commands."""

from __future__ import annotations

import typer

from spotify_pipeline.cli.conversions.datasets import (
    connect,
    create_dataset,
    create_token,
    datasets,
    delete_token,
    share,
    tokens,
    unshare,
)
from spotify_pipeline.cli.conversions.feeds import account, dead_letters, replay, resume
from spotify_pipeline.cli.conversions.guards import approve, guards

conversions = typer.Typer(
    no_args_is_help=True,
    help="Set up data sets, connections and tokens; show the totals of a feed's events.",
)
for name, command in {
    "account": account,
    "dead-letters": dead_letters,
    "replay": replay,
    "resume": resume,
    "guards": guards,
    "approve": approve,
    "datasets": datasets,
    "create-dataset": create_dataset,
    "connect": connect,
    "tokens": tokens,
    "create-token": create_token,
    "delete-token": delete_token,
    "share": share,
    "unshare": unshare,
}.items():
    conversions.command(name)(command)
