"""What a conversion event must look like. Nothing that is said about one repeats what it holds.

The fields and their rules are from Spotify's guide, which leaves much open; what is stricter here than it says is in
the table of assumptions.
"""

from __future__ import annotations

import ipaddress
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

EVENT_NAMES = (
    *("VIEW", "PRODUCT", "CHECK_OUT", "ADD_TO_CART", "PURCHASE", "LEAD", "SIGN_UP", "ALIAS"),
    *(f"CUSTOM_EVENT_{number}" for number in range(1, 6)),
)
FUTURE_ALLOWED = timedelta(minutes=5)

_NAMES = frozenset(EVENT_NAMES)
_SOURCES = frozenset({"WEB", "APP", "OFFLINE"})
_EVENT_FIELDS = frozenset(
    {"event_name", "event_id", "event_time", "user_data", "event_details", "event_source_url", "action_source"}
    | {"opt_out_targeting"}
)
_USER_FIELDS = frozenset({"hashed_emails", "hashed_phone_number", "device_id", "ip_address"})
_DETAIL_FIELDS = frozenset({"currency", "amount", "content_category", "content_name"})
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_LOOKS_HASHED = re.compile(r"[0-9a-fA-F]{64}")
_CURRENCY = re.compile(r"[A-Z]{3}")
_URL = re.compile(r"https?://[^\s/?#]+\S*")
_IPV4 = re.compile(r"(?:(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])(?:\.(?!$)|$)){4}")
_CATEGORY = re.compile(r"[1-9][0-9]{0,6}")


class Misfit(Exception):
    """An event does not fit the contract: the field, and why."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field = field
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Reading:
    """What is needed of an event that fits."""

    event_id: str
    name: str
    time: datetime
    content_name: str | None


def read_event(event: object, now: datetime, oldest: datetime | None) -> Reading:
    """The event, checked. ``oldest`` is the earliest time it may have, where there is one.

    Raises:
        Misfit: at the first field that does not fit.
    """
    fields = _object(event, "event", _EVENT_FIELDS)
    name = fields.get("event_name")
    if not isinstance(name, str) or name not in _NAMES:
        raise Misfit("event_name", "must be one of the event names")
    event_id = fields.get("event_id")
    if not isinstance(event_id, str) or not event_id.strip() or not event_id.isprintable():
        raise Misfit("event_id", "must be a text that is not empty and has no control characters")
    time = _time(fields.get("event_time"), now, oldest)
    _check_user(fields.get("user_data"))
    content_name = _check_details(fields["event_details"]) if "event_details" in fields else None
    if "event_source_url" in fields:
        _check_url(fields["event_source_url"])
    source = fields.get("action_source", "WEB")
    if not isinstance(source, str) or source not in _SOURCES:
        raise Misfit("action_source", "must be WEB, APP or OFFLINE")
    if "opt_out_targeting" in fields and not isinstance(fields["opt_out_targeting"], bool):
        raise Misfit("opt_out_targeting", "must be true or false")
    return Reading(event_id, name, time, content_name)


def _object(value: object, field: str, allowed: frozenset[str]) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise Misfit(field, "must be an object")
    fields = cast("dict[str, object]", value)
    if not fields.keys() <= allowed:
        raise Misfit(field, "has a field that is not known here")
    return fields


def _time(value: object, now: datetime, oldest: datetime | None) -> datetime:
    if not isinstance(value, str) or _TIME.fullmatch(value) is None:
        raise Misfit("event_time", "must be a time of RFC 3339, with a zone")
    try:
        time = datetime.fromisoformat(value)
    except ValueError:
        raise Misfit("event_time", "is not a date and time that exists") from None
    if time > now + FUTURE_ALLOWED:
        raise Misfit("event_time", "must be in the past")
    if oldest is not None and time < oldest:
        raise Misfit("event_time", "is too long ago")
    return time


def _check_user(value: object) -> None:
    user = _object(value, "user_data", _USER_FIELDS)
    emails = user.get("hashed_emails", [])
    if not isinstance(emails, list):
        raise Misfit("hashed_emails", "must be a list")
    for email in cast("list[object]", emails):
        _check_digest("hashed_emails", email)
    if "hashed_phone_number" in user:
        _check_digest("hashed_phone_number", user["hashed_phone_number"])
    if "device_id" in user:
        _check_device(user["device_id"])
    if "ip_address" in user:
        _check_address(user["ip_address"])
    if not (emails or "hashed_phone_number" in user or "device_id" in user or "ip_address" in user):
        raise Misfit("user_data", "must hold an identifier")


def _check_digest(field: str, value: object) -> None:
    if not isinstance(value, str) or _DIGEST.fullmatch(value) is None:
        raise Misfit(field, "must be a SHA-256 digest of 64 lower-case hexadecimal digits")


def _check_device(value: object) -> None:
    if not isinstance(value, str) or not value.strip():
        raise Misfit("device_id", "must be a text that is not empty")
    if _LOOKS_HASHED.fullmatch(value) is not None:
        raise Misfit("device_id", "must not be hashed")


def _check_address(value: object) -> None:
    if isinstance(value, str):
        if _IPV4.fullmatch(value) is not None:
            return
        try:
            ipaddress.IPv6Address(value)
        except ValueError:
            pass
        else:
            return
    raise Misfit("ip_address", "must be an IP address")


def _check_details(value: object) -> str | None:
    """The content name, if there is one."""
    details = _object(value, "event_details", _DETAIL_FIELDS)
    if "amount" in details:
        _check_amount(details["amount"])
    for field, pattern, reason in (
        ("currency", _CURRENCY, "must be three capital letters of ISO 4217"),
        ("content_category", _CATEGORY, "must be the number of a category of Google's product taxonomy, as a text"),
    ):
        text = details.get(field, "") if field in details else None
        if text is not None and (not isinstance(text, str) or pattern.fullmatch(text) is None):
            raise Misfit(field, reason)
    name = details.get("content_name")
    if name is not None or "content_name" in details:
        if not isinstance(name, str):
            raise Misfit("content_name", "must be a text")
        return name
    return None


def _check_amount(value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= sys.float_info.max:
        raise Misfit("amount", "must be a number that is not negative")


def _check_url(value: object) -> None:
    if not isinstance(value, str) or _URL.fullmatch(value) is None:
        raise Misfit("event_source_url", "must begin with http:// or https:// and name a host")
