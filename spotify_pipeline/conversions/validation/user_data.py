"""Whose event it is: the identifiers that Spotify matches by, who must not be sent, and who opted out (A11, A12)."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from spotify_pipeline.conversions.model import FeedPlan, Filtered
from spotify_pipeline.conversions.validation.ip_addresses import public_addresses
from spotify_pipeline.conversions.validation.source_columns import text_of
from spotify_pipeline.identity import EventParameter, digest, identifier_types
from spotify_pipeline.rows import (
    ERASURE,
    DigestSet,
    IdentifierPlan,
    Suppressions,
    Tally,
    gave_consent,
    row_identifiers,
    text_lists,
)

IP_ADDRESS = "ip_address"
USER_DATA = "user_data"

_NOT_OPTED_OUT = ("false", "f", "no", "n", "0")
_DIGEST = "^[0-9a-f]{64}$"
_ROW, _VALUE, _HASHED = "row", "value", "hashed"


def user_data(rows: pl.DataFrame, plan: FeedPlan, suppressions: Suppressions) -> pl.DataFrame:
    """Whose event each row is.

    Returns:
        A column of each parameter, named as it is, a list where it takes several, and ``ip_address``, each null where
        there is none; ``suppressed``, why the person must not be sent (a ``Filtered``) or null; ``agreed``;
        ``opted_out``, null where nobody is asked.
    """
    found = {name: _values(rows, plan.identifiers, name) for name in identifier_types()}
    columns = [
        *(_sent(found[name], parameter, rows.height) for name, parameter in parameters().items()),
        _ip_addresses(rows, plan).alias(IP_ADDRESS),
        _suppressed(_in_every_form(found), suppressions, rows.height).alias("suppressed"),
        _agreed(rows, plan).alias("agreed"),
        _opted_out(rows, plan.opt_out_column).alias("opted_out"),
    ]
    return pl.DataFrame(columns)


def parameters() -> dict[str, EventParameter]:
    """The parameters that hold identifiers, by the type, in the order in which an event has them."""
    return {name: kind.parameter for name, kind in identifier_types().items() if kind.parameter is not None}


def unusable_identifiers(rows: pl.DataFrame, plan: FeedPlan) -> pl.Series:
    """Of events without any usable identifier: the parameters that have a value nevertheless, else ``user_data``."""
    columns: dict[str, tuple[str, ...]] = {}
    if plan.identifiers is not None:
        stated = plan.identifiers.identifiers
        columns |= {each.name: stated[kind].columns for kind, each in parameters().items() if kind in stated}
    if plan.ip_address is not None:
        columns[IP_ADDRESS] = (plan.ip_address,)
    given = {
        name: pl.any_horizontal([text_of(_joined(rows[column])).is_not_null() for column in columns[name]])
        for name in columns
    }
    named = [pl.when(has_value).then(pl.lit(name)) for name, has_value in given.items()]
    none = pl.repeat(USER_DATA, rows.height, dtype=pl.String, eager=True)
    if not named:
        return none
    fields = rows.select(fields=pl.concat_str(named, separator=",", ignore_nulls=True)).to_series()
    return fields.zip_with(fields != "", none)


def _joined(values: pl.Series) -> pl.Series:
    """Several texts of one person as one; single values as they are."""
    lists = text_lists(values)
    return values if lists is None else lists.list.join("", ignore_nulls=True)


def _sent(values: pl.DataFrame, parameter: EventParameter, height: int) -> pl.Series:
    """What each row sends as the parameter. What is sent as it is and came as a digest matches nobody."""
    sent = values if parameter.hashed else values.filter(~pl.col(_VALUE).str.contains(_DIGEST))
    of_row = _of_row(sent, _HASHED if parameter.hashed else _VALUE, height)
    return (of_row if parameter.is_list else of_row.list.first()).alias(parameter.name)


def _in_every_form(found: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """The values of all types, hashed in every form by which it may be known who must not be sent."""
    forms: list[pl.DataFrame] = []
    for name, values in found.items():
        hashed = values[_VALUE]
        others = [form for form in identifier_types()[name].forms(hashed) if form is not hashed]
        forms += [values.with_columns(digest(form).alias(_HASHED)) for form in others]
    return pl.concat([*found.values(), *forms])


def _values(rows: pl.DataFrame, plan: IdentifierPlan | None, kind: str) -> pl.DataFrame:
    """A row for each usable value of one type: ``row``, where it stands, ``value`` and ``hashed``; a row's in order."""
    if plan is None or kind not in plan.identifiers:
        schema = {_ROW: pl.UInt32, _VALUE: pl.String, _HASHED: pl.String}
        return pl.DataFrame(schema=schema)
    only = IdentifierPlan(identifiers={kind: plan.identifiers[kind]})
    values = row_identifiers(rows, only, Tally(only.types))[kind]
    several = values.alias(_VALUE).to_frame().with_row_index(_ROW)
    if isinstance(values.dtype, pl.List):
        several = several.explode(_VALUE, empty_as_null=True, keep_nulls=True)
    several = several.drop_nulls(_VALUE)
    hashed = several.with_columns(digest(several[_VALUE]).alias(_HASHED)).drop_nulls(_HASHED)
    if not isinstance(values.dtype, pl.List):
        return hashed
    # A row may have one address twice: in clear and as its digest.
    return hashed.unique([_ROW, _HASHED], keep="first", maintain_order=True)


def _of_row(values: pl.DataFrame, column: str, height: int) -> pl.Series:
    """The values of each row as a list; null where it has none."""
    grouped = values.group_by(_ROW, maintain_order=True).agg(pl.col(column))
    return (
        pl.repeat(None, height, dtype=pl.List(pl.String), eager=True)
        .to_frame(column)
        .with_row_index(_ROW)
        .join(grouped, on=_ROW, how="left", maintain_order="left", suffix="_found")[f"{column}_found"]
    )


def _suppressed(values: pl.DataFrame, suppressions: Suppressions, height: int) -> pl.Series:
    erased = suppressions.sources.get(ERASURE, DigestSet.of())
    others = Suppressions({name: each for name, each in suppressions.sources.items() if name != ERASURE}).digests
    found = pl.repeat(None, height, dtype=pl.String, eager=True)
    for reason, digests in ((Filtered.SUPPRESSED, others), (Filtered.ERASED, erased)):
        held = values[_ROW].filter(digests.holds(values[_HASHED])) if len(digests) else pl.Series(dtype=pl.UInt32)
        found = found.scatter(held.unique(), reason.value) if held.len() else found
    return found


def _ip_addresses(rows: pl.DataFrame, plan: FeedPlan) -> pl.Series:
    if plan.ip_address is None:
        return pl.repeat(None, rows.height, dtype=pl.String, eager=True)
    return public_addresses(text_of(rows[plan.ip_address]))


def _agreed(rows: pl.DataFrame, plan: FeedPlan) -> pl.Series:
    agreed = pl.repeat(value=True, n=rows.height, dtype=pl.Boolean, eager=True)
    for column in plan.consent_columns:
        agreed = agreed & gave_consent(rows[column])
    return agreed


def _opted_out(rows: pl.DataFrame, column: str | None) -> pl.Series:
    """Whether the person opted out: anything but a plain no and nothing at all, such as the time when they did."""
    if column is None:
        return pl.repeat(None, rows.height, dtype=pl.Boolean, eager=True)
    said = text_of(rows[column]).str.to_lowercase()
    return ~(said.is_in(_NOT_OPTED_OUT).fill_null(value=True))
