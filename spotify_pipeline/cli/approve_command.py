"""`spotify-pipeline approve`: a person's word that one list may be sent although a guard blocks it."""

from __future__ import annotations

import re
import sys
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from spotify_pipeline.cli.accountable import stated_reason, who_decides
from spotify_pipeline.cli.errors import CommandError
from spotify_pipeline.cli.project import ad_account_of
from spotify_pipeline.customer_list import Manifest, SnapshotStore
from spotify_pipeline.mirror import Approval, ApprovalSource, ApprovalStore

SHORTEST_DIGEST = 12
LONGEST_HOURS = 7 * 24


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("approve")(approve)


def approve(
    audience: Annotated[str, typer.Argument(help="The audience's folder name.")],
    file_digest: Annotated[
        str, typer.Option(metavar="SHA256", help="Of the very list; its first 12 digits do. The blocked run names it.")
    ],
    reason: Annotated[str, typer.Option(help="Why it is right, in a sentence. It stands in the receipt.")],
    by: Annotated[str | None, typer.Option(metavar="NAME", help="Who approves; by default your user name.")] = None,
    hours: Annotated[int, typer.Option(min=1, max=LONGEST_HOURS, help="How long the approval waits to be used.")] = 24,
) -> None:
    """Allow one list to be sent once, although a guard blocks it.

    The approval holds for the bytes of that list, for this audience and its ad account. It is used up when the list
    is sent; nothing is sent by this command.
    """
    why, who = stated_reason(reason), who_decides(by)
    ad_account_id = ad_account_of(audience)
    manifest = _list_with(audience, file_digest.strip().lower())
    now = datetime.now(UTC)
    approval = Approval(
        audience=audience,
        ad_account_id=ad_account_id,
        file_sha256=manifest.sha256,
        reason=why,
        approved_by=who,
        approved_at=now.isoformat(),
        expires_at=(now + timedelta(hours=hours)).isoformat(),
        source=ApprovalSource.COMMAND,
    )
    ApprovalStore.at_home().give(approval)
    sys.stdout.write(
        f"Approved by {approval.approved_by}: the list of {audience} for {manifest.partition} with "
        f"{manifest.list_rows:,} rows (file {manifest.sha256[:SHORTEST_DIGEST]}) may be sent once, until "
        f"{approval.expires_at[:16].replace('T', ' ')} UTC.\n"
        f"Now materialize {audience}/spotify_audience for partition {manifest.partition}; do not build the list again "
        "unless its segment is unchanged.\n"
    )


def _list_with(audience: str, digest: str) -> Manifest:
    if not re.fullmatch(rf"[0-9a-f]{{{SHORTEST_DIGEST},64}}", digest):
        raise CommandError(
            f"--file-digest takes the first {SHORTEST_DIGEST} to 64 hex digits of the list's SHA-256. The blocked run, "
            "`spotify-pipeline plan` and the asset customer_list show it."
        )
    lists = SnapshotStore.at_home().lists(audience)
    found = [manifest for _, manifest in lists if manifest.sha256.startswith(digest)]
    # Two snapshots may have the same bytes, and these are what is approved of.
    if len({each.sha256 for each in found}) != 1:
        kept = ", ".join(f"{each.partition} ({each.sha256[:SHORTEST_DIGEST]})" for _, each in lists) or "none"
        raise CommandError(
            f"{'No list' if not found else 'More than one list'} of {audience} that is kept here has a digest that "
            f"begins with {digest}. Kept are: {kept}. Nothing was approved."
        )
    return found[0]
