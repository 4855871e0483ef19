"""The kinds of values in YAML, and the error for each mistake in one."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from spotify_pipeline.warehouse import Relation, quoted

COLUMN_SHORT_FORMS: dict[str, Any] = {"type": ["string", "array"], "items": {"type": "string"}, "minItems": 1}
AUTHORIZATION_LABEL = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
VERSION_IN_NAME = re.compile(r"(?P<name>.+)\.v(?P<version>[^.]+(\.\d+)?)")
"""A version of a dbt model as dbt selects it: `people.v2`."""
LONGEST_DURATION = timedelta(days=3650)
_PERCENT = re.compile(r"(\d{1,7}(?:\.\d{1,6})?)\s*%")
_DURATION = re.compile(r"(\d{1,6})\s*([hd])")


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


def _asset_key(value: str) -> str:
    if not all(value.split("/")):
        raise ValueError("an asset key is written with slashes between its parts, such as crm/people")
    return value


def _model_version(value: object) -> object:
    if type(value) in (bool, float):
        raise ValueError('write the version in quotes, such as "1.10": YAML reads it as another number')
    return str(value).removeprefix("v") if isinstance(value, int | str) else value


def _label(value: str) -> str:
    if not AUTHORIZATION_LABEL.fullmatch(value):
        raise ValueError(
            "not the label of an authorization: up to 40 small letters, digits, - and _, beginning with a letter or "
            "digit, as given to `spotify-pipeline login`"
        )
    return value


def percent(value: object, *, most: Decimal) -> float:
    """A share, written as "30%" or as the number 0.3; 30 without the sign could be meant as either and is refused.

    Raises:
        ValueError: it is no share, or none from 0 up to ``most``.
    """
    upper = f"{most * 100:,.0f}%"
    text = str(value).strip()
    if isinstance(value, str) and (found := _PERCENT.fullmatch(text)):
        share = Decimal(found[1]) / 100
    elif isinstance(value, int | float) and not isinstance(value, bool):
        share = Decimal(text)
        if not share.is_finite() or share > most:
            raise ValueError(f'write a share as "{text}%" or as a number such as 0.3; it is at most {upper}')
    else:
        raise ValueError(
            'not a share: write "30%" or 0.3. A guard cannot be turned off; leave the line out for its default'
        )
    if not 0 <= share <= most:
        raise ValueError(f"a share from 0% to {upper} is allowed here")
    return float(share)


def duration(value: object) -> timedelta:
    """A time span, written in whole hours or days: "36h" or "7d".

    Raises:
        ValueError: it is none, or not within 1 hour and ten years.
    """
    found = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        raise ValueError('not a duration: write hours or days, such as "36h" or "7d"')
    hours = int(found[1]) * (24 if found[2] == "d" else 1)
    if not 1 <= hours <= LONGEST_DURATION.days * 24:
        raise ValueError("a duration is from 1h to 3650d")
    return timedelta(hours=hours)


def _below_all(value: object) -> float:
    # 100 % would be a guard that never says anything.
    return percent(value, most=Decimal("0.99"))


def _growth(value: object) -> float:
    return percent(value, most=Decimal(100))


_SHARE_SCHEMA = WithJsonSchema({"type": ["string", "number"]})
ColumnName = Annotated[str, AfterValidator(_column_name)]
ColumnNames = Annotated[
    list[ColumnName],
    Field(min_length=1),
    AfterValidator(_each_once),
    BeforeValidator(_column_names),
    WithJsonSchema(COLUMN_SHORT_FORMS),
]
TableName = Annotated[str, AfterValidator(_relation)]
AssetKeyName = Annotated[str, AfterValidator(_asset_key)]
ModelVersion = Annotated[str, BeforeValidator(_model_version), WithJsonSchema({"type": ["string", "integer"]})]
AuthorizationLabel = Annotated[str, AfterValidator(_label)]
SpotifyId = Annotated[str, AfterValidator(_uuid)]
Share = Annotated[float, BeforeValidator(_below_all), _SHARE_SCHEMA]
"""A share of at most 99 %."""
Growth = Annotated[float, BeforeValidator(_growth), _SHARE_SCHEMA]
"""A share that may be more than a whole, up to a hundredfold."""
Duration = Annotated[timedelta, BeforeValidator(duration), WithJsonSchema({"type": "string"})]


def not_null(value: object) -> object:
    """Refuse null, which would look like a guard that is turned off."""
    if value is None:
        raise ValueError("a guard cannot be turned off; leave the line out for its default")
    return value
