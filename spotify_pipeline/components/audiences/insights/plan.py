"""What the next run would do to each audience: nothing is kept, and no call is made to Spotify."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

import dagster as dg
from pydantic import Field

from spotify_pipeline.components.audiences.definition import AudienceDefinition
from spotify_pipeline.components.audiences.guarding import change_since, live_list, predicted
from spotify_pipeline.components.audiences.list_building import build_list, read_segment
from spotify_pipeline.components.failures import sanitized_failures
from spotify_pipeline.components.metadata import SUPPRESSION_COLUMNS, in_words, markdown_table, suppression_cells
from spotify_pipeline.components.resources import PLANS, PipelineHome, SpotifyAdsResource, WarehouseResource
from spotify_pipeline.components.sources import WAREHOUSE_POOL, read_suppressions
from spotify_pipeline.customer_list import ComparedList, Manifest, SentVersion, WrittenRows
from spotify_pipeline.customer_list.storage import workspace
from spotify_pipeline.home import HomeError
from spotify_pipeline.mirror import Decision, JournalEntry, JournalError, MirrorRefused, block_message
from spotify_pipeline.printable import markdown_cell, printable
from spotify_pipeline.privacy import ErasureError
from spotify_pipeline.rows import RowsError
from spotify_pipeline.warehouse import SegmentError

KEPT_OUT_COLUMNS = ("audience", *SUPPRESSION_COLUMNS)
PLAN_COLUMNS = ("audience", "would", "added", "removed", "staying", "rows")
EXPECTED = (ErasureError, HomeError, JournalError, MirrorRefused, RowsError, SegmentError)


class PlannedAction(StrEnum):
    """What the next run would do."""

    CREATE = "create"
    REPLACE = "replace"
    UNCHANGED = "unchanged"
    BLOCKED = "blocked"


@dataclass(frozen=True, kw_only=True)
class PlannedChange:
    """What would become of one audience. Counts only.

    Attributes:
        audience: its folder name.
        action: what the next run would do.
        sentence: why, for a person.
        rows: of the list; None where it could not be built.
        staying: rows of it whose people Spotify has already; None where that is not known.
        added: rows of it whose people it has not.
        removed: rows of the list that Spotify has whose people would leave.
        decision: of the guards; None where it did not come to that.
        kept_out: a row for each source of suppressions that holds somebody, under ``KEPT_OUT_COLUMNS``.
    """

    audience: str
    action: PlannedAction
    sentence: str
    rows: int | None = None
    staying: int | None = None
    added: int | None = None
    removed: int | None = None
    decision: Decision | None = None
    kept_out: tuple[tuple[str, ...], ...] = ()

    @property
    def cells(self) -> tuple[str, ...]:
        """A row of the plan's table, under ``PLAN_COLUMNS``."""
        counts = (self.added, self.removed, self.staying, self.rows)
        said = ("not known" if count is None else in_words(count) for count in counts)
        return (self.audience, str(self.action), *said)


def plan_all(
    audiences: Sequence[AudienceDefinition],
    names: Sequence[str],
    *,
    home: PipelineHome,
    warehouse: WarehouseResource,
    ad_account_of: Callable[[AudienceDefinition], str],
) -> list[PlannedChange]:
    """The plans of the named audiences, or of all where none is named, in the order of their names.

    Raises:
        MirrorRefused: an audience is named that there is not.
    """
    known = {audience.folder for audience in audiences}
    unknown = sorted(set(names) - known)
    if unknown:
        raise MirrorRefused(
            f"There is no audience {', '.join(unknown)}. There are: {', '.join(sorted(known)) or 'none'}."
        )
    chosen = [audience for audience in audiences if not names or audience.folder in names]
    return [
        plan_audience(audience, home=home, warehouse=warehouse, ad_account_of=ad_account_of)
        for audience in sorted(chosen, key=lambda each: each.folder)
    ]


def plan_audience(
    audience: AudienceDefinition,
    *,
    home: PipelineHome,
    warehouse: WarehouseResource,
    ad_account_of: Callable[[AudienceDefinition], str],
) -> PlannedChange:
    """Build the list of an audience in a private directory that is gone afterwards, and have the guards judge it.

    Whatever would stop the run is a plan, too: BLOCKED, with its sentence.

    Raises:
        SpotifyError: the audience's ad account is not configured.
    """
    account = ad_account_of(audience)
    try:
        with workspace(home.directory / PLANS / audience.folder) as folder:
            return _planned(audience, home, warehouse, account, folder)
    except EXPECTED as error:
        return PlannedChange(audience=audience.folder, action=PlannedAction.BLOCKED, sentence=str(error))


def _planned(
    audience: AudienceDefinition, home: PipelineHome, warehouse: WarehouseResource, account: str, folder: Path
) -> PlannedChange:
    snapshot = audience.config.cadence.newest_partition(datetime.now(UTC))
    identifiers, path = folder / "identifiers" / "identifiers.parquet", folder / "list" / "customer_list.csv"
    report = read_segment(audience, warehouse, home.ledger, identifiers)
    suppressions = read_suppressions(audience.suppressions, warehouse, home.ledger)
    entry = home.journal.read(audience.folder, account)
    live = live_list(entry)
    before = home.snapshots.find_sent(audience.folder, live) if live is not None else None
    written = WrittenRows() if before is not None else None
    manifest = build_list(
        audience, identifiers, report, path, snapshot=snapshot, suppressions=suppressions, written=written
    )
    decision = predicted(audience, home, entry, (path, manifest), written)
    action = _action(audience, entry, manifest, decision)
    return PlannedChange(
        audience=audience.folder,
        action=action,
        sentence=block_message(decision) if action is PlannedAction.BLOCKED else _SENTENCES[action],
        rows=manifest.list_rows,
        **_counts(home, live, before, ComparedList((path, manifest), written)),
        decision=decision,
        kept_out=tuple(
            (audience.folder, *cells) for cells in suppression_cells(manifest) if manifest.suppressions[cells[0]]
        ),
    )


def _counts(
    home: PipelineHome, live: str | None, before: SentVersion | None, planned: ComparedList
) -> dict[str, int | None]:
    """Who would stay, come and leave; not known where Spotify has a list that is not kept here."""
    if live is None:
        return {"staying": 0, "added": planned.manifest.list_rows, "removed": 0}
    if before is None:
        return {"staying": None, "added": None, "removed": None}
    change = change_since(home, before, planned)
    return {"staying": change.staying, "added": change.added, "removed": change.removed}


def _action(audience: AudienceDefinition, entry: JournalEntry, manifest: Manifest, decision: Decision) -> PlannedAction:
    if not decision.allowed:
        return PlannedAction.BLOCKED
    if entry.audience_id is None:
        return PlannedAction.CREATE
    same = live_list(entry) == manifest.sha256 and entry.unfinished is None and not entry.suspect
    if not same or _is_old(audience, entry):
        return PlannedAction.REPLACE
    return PlannedAction.UNCHANGED


def _is_old(audience: AudienceDefinition, entry: JournalEntry) -> bool:
    most = audience.config.max_age
    if most is None:
        return False
    return entry.accepted_at is None or datetime.now(UTC) - datetime.fromisoformat(entry.accepted_at) > most


_SENTENCES = {
    PlannedAction.CREATE: "A new audience would be created.",
    PlannedAction.REPLACE: "The list at Spotify would be replaced.",
    PlannedAction.UNCHANGED: "Spotify has this very list. It would not be sent again.",
}


def plan_table(plans: Sequence[PlannedChange]) -> str:
    """The plans as a Markdown table of counts; under it why any is blocked, and who is kept out."""
    cells = (PLAN_COLUMNS, *(each.cells for each in plans))
    head, *lines = [f"| {' | '.join(map(markdown_cell, each))} |" for each in cells]
    notes = [
        f"\n**{each.audience}**: {printable(each.sentence)}" for each in plans if each.action is PlannedAction.BLOCKED
    ]
    kept_out = [cells for each in plans for cells in each.kept_out]
    more = ["", markdown_table(KEPT_OUT_COLUMNS, kept_out)] if kept_out else []
    return "\n".join([head, "|:--|:--|--:|--:|--:|--:|", *lines, *notes, *more])


PLAN_JOB = "spotify_plan"


class PlanConfig(dg.Config):
    """Which audiences to plan for; all where none is named."""

    audiences: list[str] = Field(default_factory=list[str])


def plan_job(audiences: Sequence[AudienceDefinition]) -> dg.JobDefinition:
    """A job of one step.

    Args:
        audiences: every audience of the project.
    """

    @dg.op(name="spotify_plan_audiences", pool=WAREHOUSE_POOL, out=dg.Out(dagster_type=dg.Nothing))
    def plan_audiences(
        context: dg.OpExecutionContext,
        config: PlanConfig,
        spotify_home: PipelineHome,
        spotify_warehouse: WarehouseResource,
        spotify_ads: SpotifyAdsResource,
    ) -> None:
        with sanitized_failures():
            plans = plan_all(
                audiences,
                config.audiences,
                home=spotify_home,
                warehouse=spotify_warehouse,
                ad_account_of=spotify_ads.account_of,
            )
        context.add_output_metadata({"plan": dg.MarkdownMetadataValue(plan_table(plans))})

    @dg.job(
        name=PLAN_JOB,
        description="Says what the next run of each audience would do: how many people it would add and remove, and "
        "what the guards decide. Sends nothing, keeps nothing, and makes no calls to Spotify.",
        executor_def=dg.in_process_executor,
    )
    def plan() -> None:
        plan_audiences()

    return plan
