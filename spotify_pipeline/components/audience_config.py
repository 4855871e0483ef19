"""What may stand in an audience's YAML, and the sentence each mistake gets.

Plain pydantic models without any Dagster in them: Dagster validates the file against them when definitions load, and
prints the file, the line and the sentence raised here. Values are literal; what differs between environments
(credentials, the ad account) comes from environment variables when a run starts.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, cast
from uuid import UUID

import phonenumbers
from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from spotify_pipeline.components.cadence import Cadence
from spotify_pipeline.components.strict_model import StrictModel
from spotify_pipeline.customer_list import Layout
from spotify_pipeline.identity import DeviceIdCase
from spotify_pipeline.warehouse.relation import Relation, quoted

NAME_LENGTHS = (2, 80)
LONGEST_DESCRIPTION = 80
SPOTIFY_MINIMUM_ROWS = 1000
COLUMN_SHORT_FORMS = {"type": ["string", "array"], "items": {"type": "string"}, "minItems": 1}
AUTHORIZATION_LABEL = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
REGIONS: frozenset[str] = frozenset(phonenumbers.SUPPORTED_REGIONS)


def _column_name(value: str) -> str:
    quoted(value)
    return value


def _column_names(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _each_once(value: list[str]) -> list[str]:
    repeated = sorted({name for name in value if value.count(name) > 1})
    if repeated:
        raise ValueError(f"the column {', '.join(repeated)} is listed twice")
    return value


def _relation(value: str) -> str:
    Relation.parse(value)
    return value


def _uuid(value: str) -> str:
    try:
        return str(UUID(value))
    except ValueError:
        raise ValueError("not a UUID; Spotify's ids look like ce4ff15e-f04d-48b9-9ddf-fb3c85fbd57a") from None


def _unquoted_norway(value: object) -> object:
    if value is False:
        raise ValueError('YAML reads NO as false; write "NO" in quotes for Norway')
    return value


def _region(value: str) -> str:
    if value.upper() not in REGIONS:
        raise ValueError("not a two-letter country code (ISO 3166-1, such as SE, US or BR)")
    return value.upper()


def _asset_key(value: str) -> str:
    if not all(value.split("/")):
        raise ValueError("an asset key is written with slashes between its parts, such as crm/people")
    return value


def _label(value: str) -> str:
    if not AUTHORIZATION_LABEL.fullmatch(value):
        raise ValueError(
            "not the label of an authorization: up to 40 small letters, digits, - and _, beginning with a letter or "
            "digit, as given to `spotify-pipeline login`"
        )
    return value


def _mirror_only(value: object) -> object:
    if value != "mirror":
        raise ValueError(
            "the only mode is mirror: Spotify replaces a customer list as a whole and has no call that adds people "
            "to one or removes them"
        )
    return value


ColumnName = Annotated[str, AfterValidator(_column_name)]
ColumnNames = Annotated[
    list[ColumnName],
    Field(min_length=1),
    AfterValidator(_each_once),
    BeforeValidator(_column_names),
    WithJsonSchema(COLUMN_SHORT_FORMS),
]
SpotifyId = Annotated[str, AfterValidator(_uuid)]
Region = Annotated[str, AfterValidator(_region), BeforeValidator(_unquoted_norway)]


class NoConsentNeeded(StrictModel):
    """Why this segment needs no consent column."""

    not_required: str = Field(min_length=10)
    """The reason, in a sentence for the privacy officer. It stands in the audience's description in Dagster."""


class SegmentConfig(StrictModel):
    """Where the people are: a dbt model or a table, and how their consent is known."""

    dbt_model: str | None = None
    """A dbt model of this project, by name. Exactly one of `dbt_model` and `table` is given."""
    table: Annotated[str, AfterValidator(_relation)] | None = None
    """A table or view of the warehouse: `table`, `schema.table` or `catalog.schema.table`."""
    asset_key: Annotated[str, AfterValidator(_asset_key)] | None = None
    """With `table`: the Dagster asset that writes it, such as `crm/people`. By default the table is shown as an
    external asset of its own name."""
    consent_column: ColumnName | None = None
    """A column that says whether the person agreed to advertising. True, 1, or the text true, t, yes, y or 1 is yes;
    everything else, and nothing at all, is no. Exactly one of `consent_column` and `consent` is given."""
    consent: NoConsentNeeded | None = None
    """`{not_required: "reason"}` where the whole segment may be used without a consent column."""

    @model_validator(mode="after")
    def _one_of_each(self) -> SegmentConfig:
        if (self.dbt_model is None) == (self.table is None):
            raise ValueError("state one of dbt_model (a model of the dbt project) and table (schema.table)")
        if self.asset_key is not None and self.table is None:
            raise ValueError("asset_key goes with table; a dbt model's asset is known")
        if (self.consent_column is None) == (self.consent is None):
            raise ValueError(
                'state one of consent_column (a column of the segment) and consent: {not_required: "reason"}'
            )
        return self


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
            raise ValueError("state at least one of email, phone and device_id")
        return self


class GuardsConfig(StrictModel):
    """What a list must satisfy before anything is asked of Spotify."""

    min_rows: int = Field(default=SPOTIFY_MINIMUM_ROWS, ge=1)
    """The fewest rows that may be sent. Below it the audience is left as it is. Spotify is reported to ignore lists of
    fewer than 1,000 rows, which is the default."""


class RetainConfig(StrictModel):
    """How long what was built is kept."""

    customer_lists: int = Field(default=3, ge=1, le=1000)
    """How many hashed lists (partitions) stay on disk. Normalized identifiers are kept for the newest one only."""


class AudienceConfig(StrictModel):
    """One audience at Spotify, kept equal to one segment of the warehouse."""

    name: str | None = Field(default=None, min_length=NAME_LENGTHS[0], max_length=NAME_LENGTHS[1])
    """The audience's name in Spotify Ads Manager, 2 to 80 characters. Default: the folder's name."""
    description: str | None = Field(default=None, min_length=1, max_length=LONGEST_DESCRIPTION)
    """At most 80 characters, shown in Ads Manager. Where they leave room, a short key such as `[sp:1a2b3c4d]` is added
    by which the audience is found again should this machine be lost."""
    ad_account_id: SpotifyId | None = None
    """The ad account that owns the audience. Default: SPOTIFY_AD_ACCOUNT_ID, read when a run starts."""
    authorization: Annotated[str, AfterValidator(_label)] | None = None
    """The label of the sign-in with which this audience is mirrored, where there are several. Default:
    SPOTIFY_AUTHORIZATION, or `default`; read when a run starts."""
    audience_id: SpotifyId | None = None
    """Adopt this audience, which exists at Spotify already, instead of creating one. **Its list is replaced**, and its
    name and description where this file states them."""
    mode: Annotated[Literal["mirror"], BeforeValidator(_mirror_only)] = "mirror"
    """Spotify offers full replacement only, so an audience is always an exact mirror."""
    segment: SegmentConfig
    """The warehouse segment that the audience mirrors."""
    identifiers: IdentifiersConfig
    """Which of its columns identify a person."""
    cadence: Cadence
    """`once`, or `{every: day|week|month, on: ..., at: "06:00", timezone: Europe/Stockholm}`. The cadence is the
    partition: one window, one snapshot of the segment, one list."""
    guards: GuardsConfig = GuardsConfig()
    """Limits that protect the live audience."""
    layout: Layout = Layout.WIDE
    """`wide`: a column per identifier type, as most partners send. `long`: the columns type and value."""
    retain: RetainConfig = RetainConfig()
    """How long what was built is kept."""

    @model_validator(mode="before")
    @classmethod
    def _must_be_mapping(cls, value: Any) -> Any:  # noqa: ANN401 - pydantic hands over whatever stood in the file
        if value is None:
            raise ValueError("state at least segment, identifiers and cadence")
        return value

    def named_columns(self) -> list[tuple[tuple[str | int, ...], str]]:
        """Every column of the segment that is named, with the path of the setting that names it."""
        found: list[tuple[tuple[str | int, ...], str]] = []
        if self.segment.consent_column is not None:
            found.append((("segment", "consent_column"), self.segment.consent_column))
        if self.identifiers.email is not None:
            found += [(("identifiers", "email", index), name) for index, name in enumerate(self.identifiers.email)]
        if self.identifiers.phone is not None:
            phone = self.identifiers.phone
            found += [(("identifiers", "phone", "column", index), name) for index, name in enumerate(phone.column)]
            if phone.region_column is not None:
                found.append((("identifiers", "phone", "region_column"), phone.region_column))
        if self.identifiers.device_id is not None:
            device = self.identifiers.device_id
            found += [(("identifiers", "device_id", "column", index), name) for index, name in enumerate(device.column)]
        return found
