"""What YAML may contain about a segment: where its people are, how they are identified, and who is kept out."""

from __future__ import annotations

import inspect
from typing import Annotated, Any, ClassVar, TypeAlias, cast

from pydantic import BeforeValidator, Field, create_model, model_validator

from spotify_pipeline.components.yaml import (
    COLUMN_SHORT_FORMS,
    VERSION_IN_NAME,
    WITHOUT_SOURCE,
    AssetKeyName,
    ColumnName,
    ColumnNames,
    ModelVersion,
    Share,
    StrictModel,
    TableName,
)
from spotify_pipeline.identity import IdentifierType, identifier_types
from spotify_pipeline.rows import IdentifierColumns

MAX_INVALID_SUPPRESSIONS = 0.10
"""Half of what an audience's own segment may have by default: there an unreadable value costs an impression, here it
lets somebody through who said no."""
_COLUMN = {"column"}
_NULL_IN_MARKS = {"email", "phone", "device_id"}
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


class ColumnsConfig(StrictModel):
    """The columns of a type of identifier that has options; what is made of it also is that type, with its options."""

    short_forms = COLUMN_SHORT_FORMS

    column: ColumnNames
    """One column, or a list of them."""

    @model_validator(mode="before")
    @classmethod
    def _columns_alone(cls, value: object) -> object:
        if isinstance(value, str) or isinstance(value, list):  # noqa: SIM101 - a union would widen the list's type
            return {"column": cast("object", value)}
        return value


_OneOrNone: TypeAlias = ColumnName | None
_SomeOrNone: TypeAlias = ColumnNames | None


def _model_of(kind: type[IdentifierType]) -> Any:  # noqa: ANN401 - a class of several bases
    """The model of a type's columns and options: a ``ColumnsConfig`` that also is the type."""
    columns: dict[str, Any] = {
        option: (_OneOrNone, Field(default=None, description=kind.model_fields[option].description))
        for option in kind.column_options
    }
    # The order of fields is that of the bases from the last one on: the columns, then the type's options.
    bases: Any = (kind, ColumnsConfig)
    return create_model(
        f"{kind.__name__}Config",
        __base__=bases,
        __doc__=inspect.getdoc(kind),
        __cls_kwargs__=WITHOUT_SOURCE,
        **columns,
    )


def _block_of(kind: type[IdentifierType]) -> object:
    """The field of a type in the `identifiers` block: its annotation and what describes it."""
    said = f"{inspect.getdoc(kind)} A column"
    if not kind.model_fields:
        return _SomeOrNone, Field(default=None, description=f"{said}, or a list of columns.")
    shape = ", ".join(["column", *kind.model_fields])
    return _model_of(kind) | None, Field(default=None, description=f"{said}, a list of columns, or `{{{shape}}}`.")


_BLOCKS: dict[str, Any] = {name: _block_of(kind) for name, kind in identifier_types().items()}
_OfEachType: type[StrictModel] = create_model(
    "_OfEachType", __base__=StrictModel, __cls_kwargs__=WITHOUT_SOURCE, **_BLOCKS
)


class IdentifiersConfig(_OfEachType):
    """Which columns identify a person. At least one type; a list of columns fans out to several rows."""

    @model_validator(mode="after")
    def _at_least_one(self) -> IdentifiersConfig:
        if not self.stated():
            *others, last = identifier_types()
            raise ValueError(f"specify at least one of {', '.join(others)} and {last}")
        return self

    def stated(self) -> dict[str, list[str] | ColumnsConfig]:
        """What the block says of each type, by its name: columns, or columns with options."""
        found = {name: getattr(self, name) for name in identifier_types()}
        return {name: each for name, each in found.items() if each is not None}

    def mark(self) -> str:
        """The whole block as JSON: a list that was made by another one is out of date.

        A type that is missing is null in it, as ever, but not one that a distribution adds: lists that were built
        before it was installed stay what they are.
        """
        unstated = identifier_types().keys() - self.stated().keys()
        return self.model_dump_json(exclude={*unstated} - _NULL_IN_MARKS)

    def by_type(self) -> dict[str, IdentifierColumns]:
        """The source columns of each type of identifier, by its name."""
        found: dict[str, IdentifierColumns] = {}
        for name, each in self.stated().items():
            columns, options = (each, {}) if isinstance(each, list) else (each.column, each.model_dump(exclude=_COLUMN))
            kind = identifier_types()[name].model_validate(options)
            found[name] = IdentifierColumns(kind=kind, columns=tuple(columns))
        return found

    def named_columns(self) -> list[tuple[SettingPath, str]]:
        """Every column that is named, with the path of the setting that names it."""
        found: list[tuple[SettingPath, str]] = []
        for name, source in self.by_type().items():
            path: SettingPath = (name,) if isinstance(self.stated()[name], list) else (name, "column")
            found += [((*path, index), column) for index, column in enumerate(source.columns)]
            found += [((name, option), column) for option, column in source.beside.items()]
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
