"""`spotify-pipeline retire`: retires an audience that is no longer mirrored."""

from __future__ import annotations

import sys
from collections.abc import Collection
from contextlib import nullcontext
from datetime import UTC, datetime
from typing import Annotated

import typer

from spotify_pipeline.cli.attribution import who_decides
from spotify_pipeline.cli.errors import CommandError
from spotify_pipeline.cli.project import (
    chosen_audience,
    load_audience_accounts,
    load_definitions,
    project_lists,
    project_state,
)
from spotify_pipeline.cli.spotify import LABEL_OPTION, chosen_settings, signed_in
from spotify_pipeline.mirror import (
    Journal,
    MirrorRefused,
    RemovalPolicy,
    folder_of,
    part_number,
    parts_in_use,
    validated_reason,
)
from spotify_pipeline.mirror import retire as retire_at_spotify
from spotify_pipeline.mirror.guards import MAX_BYTES
from spotify_pipeline.privacy import ErasureLedger


def retire(
    audience: Annotated[
        str,
        typer.Argument(
            help="The folder name it had; or a part that its list does not need any more, such as lapsed.2."
        ),
    ],
    policy: Annotated[
        RemovalPolicy,
        typer.Option(help="leave: it stays at Spotify as it is, and ages. delete: refused while a campaign uses it."),
    ],
    reason: Annotated[str, typer.Option(help="Why, in a sentence. The receipt records it.")],
    by: Annotated[str | None, typer.Option(metavar="NAME", help="Who decides; by default your user name.")] = None,
    ad_account: Annotated[
        str | None, typer.Option(metavar="ID", help="Where it is; by default SPOTIFY_AD_ACCOUNT_ID.")
    ] = None,
    label: Annotated[str | None, LABEL_OPTION] = None,
) -> None:
    """Retire an audience whose YAML was removed, with its parts and its lookalike; its lists are deleted here.

    Until you do, the check `no_orphans` reports it: an audience that nobody updates keeps the people of its last list.
    """
    why, who = validated_reason(reason), who_decides(by)
    settings = chosen_settings(label)
    account = ad_account or settings.require_ad_account_id()
    mirrored = load_audience_accounts()
    if part_number(audience) is not None:
        _refuse_part_in_use(audience, mirrored, account)
    if audience in mirrored and (mirrored[audience].ad_account_id or settings.ad_account_id) in (account, None):
        raise CommandError(
            f"{audience} still has a YAML file, and its next run would make the audience again. Nothing was changed. "
            "Remove its folder below spotify_pipeline/defs/audiences first; or, if the audience has moved, name the ad "
            "account that it has left with --ad-account."
        )
    journal = Journal(project_state())
    with signed_in(settings) if policy is RemovalPolicy.DELETE else nullcontext() as client:
        try:
            retired = retire_at_spotify(
                client,
                journal,
                audience=audience,
                ad_account_id=account,
                policy=policy,
                reason=why,
                by=who,
            )
        except MirrorRefused:
            if not _was_retired(journal, audience, account, policy):
                raise
            retired = []  # by an earlier call, which may have been interrupted before the rest
    what = "deleted at Spotify" if policy is RemovalPolicy.DELETE else "left at Spotify as it is"
    for each in retired:
        number, known = each.receipt.number, each.audience_id or "of unknown id"
        sys.stdout.write(f"{each.key}: audience {known} was {what}; receipt {number} says so.\n")
    if not retired:
        sys.stdout.write(f"{audience} was {what} before.\n")
    if part_number(audience) is not None:
        sys.stdout.write(f"From now on the list of {folder_of(audience)} is sent without it. Materialize it next.\n")
        return
    _tidy(journal, audience, account, policy, mirrored)
    if policy is RemovalPolicy.LEAVE:
        _say_who_waits(audience)


def _refuse_part_in_use(part: str, mirrored: Collection[str], account: str) -> None:
    """Stop what the next run would undo, or what is better done as a whole."""
    folder, number = folder_of(part), part_number(part) or 1
    if folder not in mirrored:
        raise CommandError(
            f"{folder} has no YAML file, so nothing is sent to its parts. Nothing was changed. Retire the whole "
            f"audience: spotify-pipeline retire {folder}"
        )
    definition = chosen_audience(load_definitions(), folder)
    most = definition.limits[MAX_BYTES]
    needed = parts_in_use(project_lists(), Journal(project_state()), folder, account, most)
    if needed is None:
        raise CommandError(
            f"The list of {folder} that Spotify has is not kept here, so it cannot be told how many parts it needs. "
            f"Nothing was changed. Materialize {folder} first."
        )
    if needed >= number:
        raise CommandError(
            f"The list of {folder} needs {needed} part{'s' if needed > 1 else ''} of at most "
            f"{most:,} bytes (guards.max_bytes), so the next run would make {part} again. "
            "Nothing was changed."
        )


def _say_who_waits(audience: str) -> None:
    requests = ErasureLedger(project_state()).waiting(audience)
    if not requests:
        return
    due = min(each.deadline for each in requests)
    count = f"{len(requests)} erasure request{'s' if len(requests) > 1 else ''}"
    sys.stdout.write(
        f"{count} still wait{'' if len(requests) > 1 else 's'} for {audience}, due {due:%Y-%m-%d}: they stay in "
        "it at Spotify until it is deleted there. Delete it: spotify-pipeline retire "
        f'{audience} --policy delete --reason "..."\n'
    )


def _was_retired(journal: Journal, audience: str, ad_account_id: str, policy: RemovalPolicy) -> bool:
    entries = [journal.read(key, each) for each, key in _known(journal, audience) if each == ad_account_id]
    enough = set(RemovalPolicy) if policy is RemovalPolicy.LEAVE else {policy}
    return bool(entries) and all(entry.retired_policy in enough for entry in entries)


def _tidy(journal: Journal, audience: str, left: str, policy: RemovalPolicy, mirrored: Collection[str]) -> None:
    """What this machine keeps of an audience goes with it, unless it is in another ad account, too."""
    elsewhere = [journal.read(key, account) for account, key in _known(journal, audience) if account != left]
    if audience in mirrored or any(entry.may_exist for entry in elsewhere):
        sys.stdout.write(f"Its lists stay here, for {audience} is in another ad account, too.\n")
        return
    at_spotify = any(entry.audience_id is not None or entry.unfinished is not None for entry in elsewhere)
    if policy is RemovalPolicy.DELETE and not at_spotify:
        # People who asked to be forgotten are gone from Spotify with the audience.
        ErasureLedger(project_state()).done(audience, decided_at=datetime.now(UTC))
    project_lists().forget_audience(audience)
    sys.stdout.write(f"No list of {audience} is kept here any more.\n")


def _known(journal: Journal, audience: str) -> list[tuple[str, str]]:
    """Ad account and key of the audience, its parts and its lookalike, wherever they are."""
    return [(account, key) for account, key in journal.known() if folder_of(key) == audience]
