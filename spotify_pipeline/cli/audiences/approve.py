"""`spotify-pipeline approve`: lets a list be sent although a guard blocks it."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer

from spotify_pipeline.cli.attribution import who_decides
from spotify_pipeline.cli.errors import CommandError
from spotify_pipeline.cli.project import (
    ad_account_of,
    chosen_audience,
    load_definitions,
    project_lists,
    project_state,
    refuse_event_audiences,
    resource,
)
from spotify_pipeline.customer_list import Manifest
from spotify_pipeline.identity import RULES_VERSION
from spotify_pipeline.mirror import (
    Approval,
    ApprovalSource,
    ApprovalStore,
    ApprovedRules,
    change_within,
    validated_reason,
)

SHORTEST_DIGEST = 12
FILE_HOURS, CHANGE_HOURS, LONGEST_HOURS = 24, 48, 7 * 24
RULES_HOURS = 31 * 24
"""So that the next list of a monthly audience comes within it."""


def approve(
    reason: Annotated[str, typer.Option(help="Why it is right, in a sentence. The receipt records it.")],
    audience: Annotated[
        str | None, typer.Argument(help="The audience's folder name; with --rules-changed by default all.")
    ] = None,
    file_digest: Annotated[
        str | None,
        typer.Option(metavar="SHA256", help="Of the very list; its first 12 digits do. The blocked run names it."),
    ] = None,
    change: Annotated[
        bool,
        typer.Option("--change", help="Approve the change that the newest list shows, for the next list."),
    ] = False,
    margin: Annotated[
        int, typer.Option(min=0, max=20, help="With --change: how many percentage points more than shown are right.")
    ] = 5,
    rules_changed: Annotated[
        bool, typer.Option("--rules-changed", help="Approve what new identity rules change, in all audiences.")
    ] = False,
    by: Annotated[str | None, typer.Option(metavar="NAME", help="Who approves; by default your user name.")] = None,
    hours: Annotated[
        int | None,
        typer.Option(min=1, max=RULES_HOURS, help="How long it waits to be used: 24; 48 for a change; 744 for rules."),
    ] = None,
) -> None:
    """Let a list be sent once although a guard blocks it. This command sends nothing.

    It is for one file, by --file-digest; or for a change of the list that is live now, by --change: the next list that
    differs from it as the newest one does, or up to --margin more; or for what a new version of the identity rules
    changes, by --rules-changed, once in each audience. What some guards find, such as an empty
    list or people who asked to be forgotten, no approval overrides; the message says so.
    """
    if sum((file_digest is not None, change, rules_changed)) != 1 or (audience is None and not rules_changed):
        raise CommandError(
            "Specify what to approve: AUDIENCE with --file-digest or with --change, or --rules-changed. Nothing was "
            "approved."
        )
    given_by = _Attribution(why=validated_reason(reason), who=who_decides(by), now=datetime.now(UTC))
    if rules_changed:
        _approve_rules(audience, given_by, hours or RULES_HOURS)
    elif change:
        _approve_change(str(audience), margin, given_by, _at_most_a_week(hours or CHANGE_HOURS))
    else:
        _approve_file(str(audience), str(file_digest), given_by, _at_most_a_week(hours or FILE_HOURS))


@dataclass(frozen=True, kw_only=True)
class _Attribution:
    """Who approves, why and when."""

    why: str
    who: str
    now: datetime

    def give(self, audience: str, ad_account_id: str, hours: int, **meant: Any) -> str:  # noqa: ANN401 - one of three
        """Keep the approval of what is ``meant``; until when, in words."""
        expires_at = self.now + timedelta(hours=hours)
        approval = Approval(
            audience=audience,
            ad_account_id=ad_account_id,
            reason=self.why,
            approved_by=self.who,
            approved_at=self.now.isoformat(),
            expires_at=expires_at.isoformat(),
            source=ApprovalSource.COMMAND,
            **{"file_sha256": None, **meant},
        )
        ApprovalStore(project_state()).give(approval)
        return f"{expires_at:%Y-%m-%d %H:%M} UTC"


def _approve_file(audience: str, file_digest: str, given_by: _Attribution, hours: int) -> None:
    ad_account_id = ad_account_of(audience)
    manifest = _list_with(audience, file_digest.strip().lower())
    until = given_by.give(audience, ad_account_id, hours, file_sha256=manifest.sha256)
    sys.stdout.write(
        f"Approved by {given_by.who}: the list of {audience} for {manifest.partition} with "
        f"{manifest.list_rows:,} rows (file {manifest.sha256[:SHORTEST_DIGEST]}) may be sent once, until {until}.\n"
        f"Now materialize {audience}/spotify_audience for partition {manifest.partition}; do not build the list again "
        "unless its segment is unchanged.\n"
    )


def _approve_change(audience: str, margin: int, given_by: _Attribution, hours: int) -> None:
    from spotify_pipeline.components import PipelineHome
    from spotify_pipeline.components.audiences import live_list, predicted

    definitions = load_definitions()
    refuse_event_audiences(definitions, [audience])
    definition, home, ad_account_id = (
        chosen_audience(definitions, audience),
        resource(PipelineHome),
        ad_account_of(audience),
    )
    entry, lists = home.journal.read(audience, ad_account_id), home.snapshots.lists(audience)
    live = live_list(entry)
    if live is None or not lists:
        raise CommandError(f"There is no list of {audience} at Spotify, or none here, so no change is to be seen.")
    path, manifest = lists[0]
    decision = predicted(definition, home, entry, (path, manifest))
    approved = change_within(decision, margin / 100, live)
    if approved is None:
        blocking = ", ".join(each.guard for each in decision.blocked_by)
        raise CommandError(
            f"Of the newest list of {audience} ({manifest.partition}) "
            + (
                f"not everything that blocks is a change that can be approved: {blocking}. Approve the file "
                f"instead: --file-digest {manifest.sha256[:SHORTEST_DIGEST]}. Nothing was approved."
                if blocking
                else "nothing blocks. Nothing was approved."
            )
        )
    until = given_by.give(audience, ad_account_id, hours, change=approved)
    bounds = [
        f"{guard}: {what} up to {most:.1%}" for guard, each in approved.within.items() for what, most in each.items()
    ]
    sys.stdout.write(
        f"Approved by {given_by.who}: the next list of {audience} may be sent once, until {until}, if it differs from "
        f"the list that Spotify has now by no more than this: {'; '.join(bounds)}.\n"
        "Wait for the schedule, or materialize the audience.\n"
    )


def _approve_rules(audience: str | None, given_by: _Attribution, hours: int) -> None:
    from spotify_pipeline.components import PipelineHome, SpotifyAdsResource, audience_definitions
    from spotify_pipeline.components.audiences import live_list

    definitions, home, spotify = load_definitions(), resource(PipelineHome), resource(SpotifyAdsResource)
    chosen = [chosen_audience(definitions, audience)] if audience is not None else audience_definitions(definitions)
    given: list[str] = []
    until = ""
    for definition in sorted(chosen, key=lambda each: each.folder):
        ad_account_id = spotify.account_of(definition)
        live = live_list(home.journal.read(definition.folder, ad_account_id))
        sent = home.snapshots.find_sent(definition.folder, live) if live is not None else None
        if sent is None or sent.manifest.rules_version == RULES_VERSION:
            continue
        rules = ApprovedRules(before=sent.manifest.rules_version, now=RULES_VERSION)
        until = given_by.give(definition.folder, ad_account_id, hours, rules=rules)
        given.append(f"{definition.folder} (from version {rules.before})")
    if not given:
        raise CommandError(
            f"No list at Spotify that is kept here was built by other identity rules than version {RULES_VERSION}. "
            "Nothing was approved."
        )
    sys.stdout.write(
        f"Approved by {given_by.who}: the next list of each of these may differ from the one that Spotify has as "
        f"version {RULES_VERSION} of the identity rules makes it, once, until {until}: {', '.join(given)}. Its segment "
        "must be much as it was, by its rows and by those left out.\n"
    )


def _at_most_a_week(hours: int) -> int:
    if hours > LONGEST_HOURS:
        raise CommandError(f"--hours is at most {LONGEST_HOURS} here. Nothing was approved.")
    return hours


def _list_with(audience: str, digest: str) -> Manifest:
    if not re.fullmatch(rf"[0-9a-f]{{{SHORTEST_DIGEST},64}}", digest):
        raise CommandError(
            f"--file-digest takes the first {SHORTEST_DIGEST} to 64 hex digits of the list's SHA-256. The blocked run, "
            "`spotify-pipeline plan` and the asset customer_list show it."
        )
    lists = project_lists().lists(audience)
    found = [manifest for _, manifest in lists if manifest.sha256.startswith(digest)]
    # Two snapshots may have the same bytes, and the bytes are what is approved.
    if len({each.sha256 for each in found}) != 1:
        kept = ", ".join(f"{each.partition} ({each.sha256[:SHORTEST_DIGEST]})" for _, each in lists) or "none"
        raise CommandError(
            f"{'No list' if not found else 'More than one list'} of {audience} that is kept here has a digest that "
            f"begins with {digest}. Kept are: {kept}. Nothing was approved."
        )
    return found[0]
