"""Who is kept out of an audience: which tables say so, and the digests of the people in them."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

import dagster as dg

from spotify_pipeline.components.metadata import WORDS
from spotify_pipeline.components.resources import WarehouseResource
from spotify_pipeline.components.sources.config import (
    MAX_INVALID_SUPPRESSIONS,
    IdentifiersConfig,
    SuppressConfig,
)
from spotify_pipeline.components.sources.dbt_project import Segment
from spotify_pipeline.components.sources.table import find_source, refuse_unknown_columns
from spotify_pipeline.components.yaml import config_error
from spotify_pipeline.customer_list import SegmentDigests, array_remark, digests_of
from spotify_pipeline.mirror.guards import counted, exact, percent
from spotify_pipeline.privacy import ErasureLedger
from spotify_pipeline.rows import ERASURE, DigestSet, IdentifierPlan, Suppressions
from spotify_pipeline.warehouse import Relation, SegmentError

_log = logging.getLogger("spotify_pipeline.suppressions")


class Suppressing(Protocol):
    """Settings that keep people out: an audience's, or a feed's."""

    @property
    def suppress(self) -> Sequence[SuppressConfig]: ...

    @property
    def identifiers(self) -> IdentifiersConfig | None: ...


@dataclass(frozen=True, kw_only=True)
class SuppressionSource:
    """A table of people who are kept out.

    Attributes:
        name: what it is called in counts.
        asset_key: of the asset that it is.
        relation: in the warehouse.
        identifiers: which columns identify a person.
        max_invalid: the largest share of its values of a type that may be unusable.
        those_present: whether a column that the table does not have is passed over, as they are the audience's.
    """

    name: str
    asset_key: dg.AssetKey
    relation: Relation
    identifiers: IdentifiersConfig
    max_invalid: float = MAX_INVALID_SUPPRESSIONS
    those_present: bool = False

    def plan(self, columns: Collection[str]) -> IdentifierPlan:
        """How its rows become identifiers, its table having these columns.

        Raises:
            SegmentError: none of them identifies a person.
        """
        stated = present(self.identifiers, columns) if self.those_present else self.identifiers
        if stated is None:
            raise SegmentError(
                f"{self.relation} has none of the columns that identify people of the audience, so nobody could be "
                f"kept out. Nothing was sent. It has: {', '.join(columns)}. State its identifiers in the YAML."
            )
        return IdentifierPlan(identifiers=stated.by_type())

    def matches_nobody_of(self, identifiers: IdentifiersConfig | None) -> str:
        """Why it can keep nobody out who is identified so, as the rest of a sentence; empty where it can."""
        own, theirs = self.identifiers.stated(), identifiers.stated() if identifiers is not None else {}
        if own.keys() & theirs.keys():
            return ""
        return (
            f"it knows people by {' and '.join(own)} only, and here they are known by {' and '.join(theirs) or 'none'}"
        )


def suppression_sources(
    config: Suppressing, everybodys: Sequence[SuppressionSource], context: dg.ComponentLoadContext
) -> tuple[SuppressionSource, ...]:
    """The sources of one audience or feed: those of every audience, then its own.

    One of every audience that can keep nobody out here is logged as a warning: it may be meant for others.

    Raises:
        AudienceConfigError: a source is unknown, none of its columns identifies a person, or its own can keep nobody
            out.
    """
    names = {each.name for each in everybodys}
    own: list[SuppressionSource] = []
    for index, stated in enumerate(config.suppress):
        path = ("suppress", index)
        if stated.name in (*names, ERASURE):
            raise config_error(context, path, f"{stated.name} is the name of a suppression list of every audience")
        source = _source(stated, config, find_source(stated, context, path), context, index)
        if why := source.matches_nobody_of(config.identifiers):
            raise config_error(
                context,
                path,
                f"{stated.name} would keep nobody out: {why}. State identifiers of a type that both have, or take it "
                "out",
            )
        own.append(source)
    for each in everybodys:
        if why := each.matches_nobody_of(config.identifiers):
            _log.warning("%s: the suppression list %s keeps nobody out here: %s.", _folder(context), each.name, why)
    return (*everybodys, *own)


def _folder(context: dg.ComponentLoadContext) -> str:
    return (context.path.parent if context.path.suffix else context.path).name


def _source(
    stated: SuppressConfig, config: Suppressing, table: Segment, context: dg.ComponentLoadContext, index: int
) -> SuppressionSource:
    path = ("suppress", index)
    identifiers = stated.identifiers or config.identifiers
    if identifiers is None:
        raise config_error(context, path, "state its identifiers: there are none here that they could be taken from")
    if stated.identifiers is not None:
        named = [((*path, "identifiers", *each), column) for each, column in stated.identifiers.named_columns()]
        refuse_unknown_columns(named, table, context)
    elif table.columns is not None and present(identifiers, table.columns) is None:
        raise config_error(
            context,
            path,
            f"{table.relation} has none of the columns that identify people of this audience. Its columns are: "
            f"{', '.join(table.columns)}. State its identifiers",
        )
    return SuppressionSource(
        name=stated.name,
        asset_key=table.asset_key,
        relation=table.relation,
        identifiers=identifiers,
        max_invalid=stated.max_invalid,
        those_present=stated.identifiers is None,
    )


def present(stated: IdentifiersConfig, columns: Collection[str]) -> IdentifiersConfig | None:
    """The identifiers whose columns are among these, or None where there is not one.

    A column in other letter case counts: passed over, it would let people through; read, it is refused by its name.
    """
    there = {each.casefold() for each in columns}

    def has(column: str) -> bool:
        return column.casefold() in there

    found: dict[str, object] = {}
    for name, source in stated.by_type().items():
        if columns := [each for each in source.columns if has(each)]:
            missing = {option for option, column in source.beside.items() if not has(column)}
            options = source.kind.model_dump(exclude=missing)
            found[name] = {"column": columns, **options} if options else columns
    return IdentifiersConfig.model_validate(found) if found else None


def read_suppressions(
    sources: Sequence[SuppressionSource], warehouse: WarehouseResource, ledger: ErasureLedger
) -> Suppressions:
    """The digests of everybody who is kept out, each source read to its end.

    Raises:
        SegmentError: a source cannot be read, or not all of it, or too much of it is unusable. Its people must
            not be sent by mistake.
        ErasureError: the ledger of erasures cannot be read.
    """
    read: dict[str, DigestSet] = {}
    values: dict[str, dict[str, dict[str, int]]] = {}
    for source in sources:
        with warehouse.segment(source.relation) as segment:
            plan = source.plan(segment.columns())
            expected = segment.count()
            found = digests_of(segment.batches(list(plan.columns_read), identifiers=plan.columns), plan)
        if found.rows != expected:
            raise SegmentError(
                f"The suppression list {source.name} has {expected:,} rows, but {found.rows:,} were read. Nothing "
                "was sent: a partial read would let people through. Run again; if it recurs, look at the warehouse's "
                "log."
            )
        if found.rows and not len(found.digests):
            raise SegmentError(
                f"The suppression list {source.name} has {expected:,} rows, and not one usable identifier is in "
                f"{', '.join(plan.columns_read)}, so nobody could be kept out. Nothing was sent. Look at what these "
                "columns hold now, and which columns the YAML names." + array_remark(found.arrays, _values_of(found))
            )
        _refuse_unusable(source, plan, found)
        read[source.name] = found.digests
        values[source.name] = {
            kind: {"usable": count, "unusable": sum(found.unusable[kind].values())}
            for kind, count in found.usable.items()
        }
    return Suppressions({**read, ERASURE: ledger.digests()}, values)


def _values_of(found: SegmentDigests) -> dict[str, int]:
    """How many values there were of each type, usable or not."""
    return {kind: usable + sum(found.unusable[kind].values()) for kind, usable in found.usable.items()}


def _refuse_unusable(source: SuppressionSource, plan: IdentifierPlan, found: SegmentDigests) -> None:
    """Of each type by itself: the columns of another say nothing of people who are known by this one."""
    for kind, usable in found.usable.items():
        unusable = sum(found.unusable[kind].values())
        if unusable > exact(source.max_invalid) * (usable + unusable):
            reasons = ", ".join(
                f"{counted(count)} {WORDS.get(reason, reason)}" for reason, count in found.unusable[kind].items()
            )
            columns = ", ".join(plan.identifiers[kind].columns)
            raise SegmentError(
                f"Of the {kind} values of the suppression list {source.name} (in {columns}), {counted(unusable)} of "
                f"{counted(usable + unusable)} are unusable ({reasons}), so their people could not be kept out; at "
                f"most {percent(exact(source.max_invalid))} may be. Nothing was sent. Look at what these columns "
                "hold now; if they are right, state a higher max_invalid for this list in the YAML."
                + array_remark(found.arrays, {kind: usable + unusable})
            )
