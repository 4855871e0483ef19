"""`spotify-pipeline rollback`: an older list goes live again, with today's suppressions applied."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from spotify_pipeline.cli.attribution import who_decides
from spotify_pipeline.cli.dagster import materialize
from spotify_pipeline.cli.project import chosen_audience, load_definitions
from spotify_pipeline.mirror import validated_reason


def rollback(
    audience: Annotated[str, typer.Argument(help="The audience's folder name.")],
    partition: Annotated[str, typer.Argument(help="The partition whose list is to go live again, such as 2026-11-09.")],
    reason: Annotated[str, typer.Option(help="Why, in a sentence. The receipt records it.")],
    by: Annotated[str | None, typer.Option(metavar="NAME", help="Who decides; by default your user name.")] = None,
) -> None:
    """Send an older list again, without the people who are suppressed, forgotten or opted out by now.

    Materializes the audience's asset for that partition, as a run of its own that the Dagster UI shows.
    """
    word = {"reason": validated_reason(reason), "approved_by": who_decides(by)}
    definitions = load_definitions()
    definition = chosen_audience(definitions, audience)
    sentence = materialize(
        definitions,
        definition.audience_key,
        partition,
        config={"rollback": word},
    )
    sys.stdout.write(f"{audience} is back on the list of {partition}. {sentence}\n")
