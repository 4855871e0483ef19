"""What YAML may contain about a segment: where its people are, how they are identified, and who is kept out."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, cast

from pydantic import BeforeValidator, Field, model_validator

from spotify_pipeline.components.yaml import (
    COLUMN_SHORT_FORMS,
    VERSION_IN_NAME,
    AssetKeyName,
    ColumnName,
    ColumnNames,
    ModelVersion,
    Region,
    Share,
    StrictModel,
    TableName,
)
from spotify_pipeline.identity import DeviceIdCase, IdentifierType
from spotify_pipeline.rows import IdentifierColumns

MAX_INVALID_SUPPRESSIONS = 0.10
"""Half of what an audience's own segment may have by default: there an unreadable value costs an impression, here it
lets somebody through who said no."""
SettingPath = tuple[str | int, ...]
"""Where a setting stands below `attributes`."""


class NoConsentNeeded(StrictModel):
    """Why this segment needs no consent column."""

    not_required: str = Field(min_length=10)
    """The reason, in a sentence for the privacy officer. It is shown in the audience's description in Dagster."""


class SourceConfig(StrictModel):
    """A table of the warehouse: a dbt model or a table."""

    sources: ClassVar[dict[str, str]] = {
        "dbt_model": "dbt_model (a model of the dbt project)",
        "table": "table (schema.table)",
    }
    """The fields of which exactly one is given, and what each holds."""

    dbt_model: str | None = None
    """A dbt model of this project, by name. Of a model with versions the latest, unless one is named: `people.v2`.
    Where several packages have a model of that name: `package.people`. Exactly one of `dbt_model` and `table` is
    given."""
    version: ModelVersion | None = None
    """With `dbt_model`: its version, as `{dbt_model: people, version: 2}`."""
    table: TableName | None = None
    """A table or view of the warehouse: `table`, `schema.table` or `catalog.schema.table`."""
    asset_key: AssetKeyName | None = None
    """With `table`: the Dagster asset that writes it, such as `crm/people`. By default the table is shown as an
    external asset of its own name."""

    @model_validator(mode="after")
    def _one_source(self) -> SourceConfig:
        if sum(getattr(self, name) is not None for name in self.sources) != 1:
            *others, last = self.sources.values()
            raise ValueError(f"specify one of {', '.join(others)} and {last}")
        if self.asset_key is not None and self.dbt_model is not None:
            raise ValueError("asset_key goes with table; a dbt model's asset is known")
        if self.version is not None and self.dbt_model is None:
            raise ValueError("version goes with dbt_model")
        if self.version is not None and VERSION_IN_NAME.fullmatch(str(self.dbt_model)):
            raise ValueError(f"dbt_model names a version already ({self.dbt_model}); state it once")
        return self

    @property
    def model(self) -> str | None:
        """The dbt model as dbt selects it, with its version if it has one; None of a table."""
        return self.dbt_model if self.version is None else f"{self.dbt_model}.v{self.version}"


class ConsentedSourceConfig(SourceConfig):
    """A table of the warehouse, and how the consent of the people in it is known."""

    consent_column: ColumnName | None = None
    """A column that says whether the person agreed to advertising. True, 1 (or 1.0), or the text true, t, yes, y or 1
    is yes; everything else, and nothing at all, is no. Exactly one of `consent_column` and `consent` is given."""
    consent: NoConsentNeeded | None = None
    """`{not_required: "reason"}` where everybody in it may be contacted without a consent column."""

    @model_validator(mode="after")
    def _one_consent(self) -> ConsentedSourceConfig:
        if (self.consent_column is None) == (self.consent is None):
            raise ValueError(
                'specify one of consent_column (a column of the table) and consent: {not_required: "reason"}'
            )
        return self


class SegmentConfig(ConsentedSourceConfig):
    """Where the people are: a dbt model, a table or a function, and how their consent is known."""

    sources: ClassVar[dict[str, str]] = {**SourceConfig.sources, "python": "python (my_project.segments.vips)"}

    python: str | None = None
    """A function of your own code, by its dotted path, that yields the people as Arrow record batches or Polars frames.
    Exactly one of `dbt_model`, `table` and `python` is given."""
    updated_at: ColumnName | None = None
    """A column of dates or times that says when a row was last loaded or changed. With `guards.max_source_age`: a
    segment whose newest row is older is not sent."""


class PhoneConfig(StrictModel):
    """Phone columns and the country of numbers written without one."""

    short_forms = COLUMN_SHORT_FORMS

    column: ColumnNames
    """One column, or a list of them."""
    region_column: ColumnName | None = None
    """A column with the person's two-letter country, for numbers written nationally."""
    default_region: Region | None = None
    """The country where `region_column` is not given, or empty in a row. A code that is no country is not replaced by
    it: a number read with the wrong country may be somebody else's. Without a country, national numbers are rejected
    as `no_region`."""


class DeviceIdConfig(StrictModel):
    """Device id columns (IDFA, AAID/GAID)."""

    short_forms = COLUMN_SHORT_FORMS

    column: ColumnNames
    """One column, or a list of them."""
    case: DeviceIdCase = "lower"
    """The letters' case before hashing. Spotify states none; `lower` is the default."""


def _column_shorthand(value: object) -> object:
    if isinstance(value, str) or isinstance(value, list):  # noqa: SIM101 - a union would widen the list's type
        return {"column": cast("object", value)}
    return value


class IdentifiersConfig(StrictModel):
    """Which columns identify a person. At least one type; a list of columns fans out to several rows."""

    email: ColumnNames | None = None
    """A column of e-mail addresses, or a list of such columns."""
    phone: Annotated[PhoneConfig, BeforeValidator(_column_shorthand)] | None = None
    """A column, a list of columns, or `{column, region_column, default_region}`."""
    device_id: Annotated[DeviceIdConfig, BeforeValidator(_column_shorthand)] | None = None
    """A column, a list of columns, or `{column, case}`."""

    @model_validator(mode="after")
    def _at_least_one(self) -> IdentifiersConfig:
        if self.email is None and self.phone is None and self.device_id is None:
            raise ValueError("specify at least one of email, phone and device_id")
        return self

    def named_columns(self) -> list[tuple[SettingPath, str]]:
        """Every column that is named, with the path of the setting that names it."""
        found: list[tuple[SettingPath, str]] = []
        if self.email is not None:
            found += [(("email", index), name) for index, name in enumerate(self.email)]
        if self.phone is not None:
            found += [(("phone", "column", index), name) for index, name in enumerate(self.phone.column)]
            if self.phone.region_column is not None:
                found.append((("phone", "region_column"), self.phone.region_column))
        if self.device_id is not None:
            found += [(("device_id", "column", index), name) for index, name in enumerate(self.device_id.column)]
        return found


class SuppressConfig(SourceConfig):
    """People who are kept out of this audience, whatever its segment says."""

    short_forms: ClassVar[dict[str, Any]] = {"type": "string"}

    identifiers: IdentifiersConfig | None = None
    """Which of its columns identify a person. By default those of the audience's `identifiers` that it has."""
    max_invalid: Share = MAX_INVALID_SUPPRESSIONS
    """How many of its identifiers of a type may be unusable, as a share: these people are not kept out."""

    @property
    def name(self) -> str:
        """What the source is called in counts: the model's or the table's name."""
        return str(self.model or self.table)


def _model_shorthand(value: object) -> object:
    return {"dbt_model": value} if isinstance(value, str) else value


Suppress = Annotated[SuppressConfig, BeforeValidator(_model_shorthand)]


class SuppressionListConfig(StrictModel):
    """People who are kept out of every audience of this project."""

    segment: SourceConfig
    """Where they are: a dbt model or a table. Everybody in it is kept out; consent is not asked."""
    identifiers: IdentifiersConfig
    """Which of its columns identify a person."""
    max_invalid: Share = MAX_INVALID_SUPPRESSIONS
    """How many of its identifiers of a type may be unusable, as a share: these people are not kept out."""


def columns_by_type(stated: IdentifiersConfig) -> dict[IdentifierType, IdentifierColumns]:
    """The source columns of each type of identifier."""
    identifiers: dict[IdentifierType, IdentifierColumns] = {}
    if stated.email is not None:
        identifiers[IdentifierType.EMAIL] = IdentifierColumns(columns=tuple(stated.email))
    if stated.phone is not None:
        identifiers[IdentifierType.PHONE] = IdentifierColumns(
            columns=tuple(stated.phone.column),
            region_column=stated.phone.region_column,
            default_region=stated.phone.default_region,
        )
    if stated.device_id is not None:
        identifiers[IdentifierType.DEVICE_ID] = IdentifierColumns(
            columns=tuple(stated.device_id.column), device_id_case=stated.device_id.case
        )
    return identifiers


def each_suppressed_once(value: list[SuppressConfig]) -> list[SuppressConfig]:
    """The sources, if none is listed twice.

    Raises:
        ValueError: one is.
    """
    names = [each.name for each in value]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ValueError(f"suppress lists {', '.join(repeated)} twice")
    return value
