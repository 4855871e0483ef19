"""Times and ids by the plainest Python there is, value by value, to compare the vector code with."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal, InvalidOperation
from zoneinfo import ZoneInfo

from spotify_pipeline.identity.text import STRIPPED

MISSING, UNREADABLE = "no_time", "time_unreadable"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TEXT = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?(?: ?(Z|z|UTC|[+-]\d\d(?::?\d\d)?))?)?",
    re.ASCII,
)


def reference_time(value: object, zone: str, unit: str | None) -> datetime | str:
    """The moment that a value means, or why it means none."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return MISSING
    if isinstance(value, datetime):
        return in_zone(value, zone)
    if isinstance(value, date):
        return in_zone(datetime(value.year, value.month, value.day), zone, always=True)  # noqa: DTZ001
    if isinstance(value, str):
        match = _TEXT.fullmatch(value.strip())
        if match is not None:
            return _of_text(match, zone)
        if not re.fullmatch(r"[+-]?\d+(\.\d+)?", value.strip(), re.ASCII):
            return UNREADABLE
    return UNREADABLE if unit is None else _of_number(value, unit)


def in_zone(value: datetime, zone: str, *, always: bool = False) -> datetime | str:
    """A time by the clocks of a zone: the first of two, and none where they were put forward (unless ``always``)."""
    if value.tzinfo is not None:
        return value.astimezone(UTC)
    moment = value.replace(tzinfo=ZoneInfo(zone), fold=0).astimezone(UTC)
    back = moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    return moment if back == value or always else UNREADABLE


def _of_text(match: re.Match[str], zone: str) -> datetime | str:
    year, month, day, hour, minute, second, fraction, offset = match.groups()
    leap = second == "60"
    try:
        when = datetime(  # noqa: DTZ001
            int(year), int(month), int(day), int(hour or 0), int(minute or 0), 59 if leap else int(second or 0)
        )
    except ValueError:
        return UNREADABLE
    when += timedelta(seconds=1) if leap else timedelta(microseconds=int((fraction or "").ljust(6, "0")[:6]))
    if offset is None:
        return in_zone(when, zone, always=hour is None)
    if offset in ("Z", "z", "UTC"):
        return when.replace(tzinfo=UTC)
    hours, minutes = int(offset[1:3]), int(offset[3:].replace(":", "") or 0)
    if hours > 23 or minutes > 59:
        return UNREADABLE
    ahead = timedelta(hours=hours, minutes=minutes) * (-1 if offset[0] == "-" else 1)
    return when.replace(tzinfo=timezone(ahead)).astimezone(UTC)


def _of_number(value: object, unit: str) -> datetime | str:
    try:
        counted = Decimal(repr(value) if isinstance(value, float) else str(value).strip())
    except InvalidOperation:
        return UNREADABLE
    if not counted.is_finite():
        return UNREADABLE
    microseconds = int(counted * {"s": 1_000_000, "ms": 1_000, "us": 1}[unit])
    try:
        moment = _EPOCH + timedelta(microseconds=microseconds)
    except OverflowError:
        return UNREADABLE
    return moment if 2 <= moment.year <= 9998 else UNREADABLE


def reference_id(values: tuple[object, ...]) -> str | None:
    """The hashed id of an event with these values."""
    if all(value is None or (isinstance(value, str) and not value.strip(STRIPPED)) for value in values):
        return None
    return hashlib.sha256("".join(_part(value) for value in values).encode()).hexdigest()


def _part(value: object) -> str:
    if value is None:
        return "-"
    text = _written(value)
    return f"{len(text.encode())}:{text}"


def _written(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float | Decimal):
        exact = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
        text = f"{exact:f}"
        text = text.rstrip("0").rstrip(".") if "." in text else text
        return "0" if text == "-0" else text
    if isinstance(value, datetime):
        aware = value if value.tzinfo is not None else value.replace(tzinfo=UTC)
        return str((aware - _EPOCH) // timedelta(microseconds=1))
    if isinstance(value, date):
        return str((datetime(value.year, value.month, value.day, tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1))
    return str(value)
