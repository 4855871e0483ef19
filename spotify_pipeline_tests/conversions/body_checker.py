"""What the Conversions API is known to take, checked field by field; written from its contract, not from our code."""

from __future__ import annotations

import ipaddress
import json
import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

NAMES = {"VIEW", "PRODUCT", "CHECK_OUT", "ADD_TO_CART", "PURCHASE", "LEAD", "SIGN_UP", "ALIAS"}
NAMES |= {f"CUSTOM_EVENT_{n}" for n in range(1, 6)}
KEYS = ["event_name", "event_id", "event_time", "user_data", "event_details", "event_source_url", "action_source"]
KEYS += ["opt_out_targeting"]
USER_DATA = ["hashed_emails", "hashed_phone_number", "device_id", "ip_address"]
DETAILS = ["currency", "amount", "content_category", "content_name"]
DIGEST = re.compile("[0-9a-f]{64}")


def violations(text: str, now: datetime) -> list[str]:
    """Everything in which this body is not as Spotify takes it, at this time."""
    event = json.loads(text, parse_float=Decimal, parse_int=Decimal)
    found = [f"{key} is unknown" for key in event if key not in KEYS]
    found += [f"{key} is missing" for key in KEYS[:4] if key not in event]
    found += [f"{key} is null" for key, value in _every(event) if value in (None, "", [], {})]
    if list(event) != [key for key in KEYS if key in event] or text != _compact(event, text):
        found.append("not compact, or not in order")
    if found:
        return found
    found += [] if event["event_name"] in NAMES else ["event_name"]
    found += [] if isinstance(event["event_id"], str) and len(event["event_id"]) <= 256 else ["event_id"]
    found += _time(event["event_time"], now)
    found += _user_data(event["user_data"])
    found += _details(event.get("event_details", {"currency": "USD"}), event["event_name"])
    url = event.get("event_source_url", "https://example.com/")
    found += [] if re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#]*)?", url) else ["event_source_url"]
    found += [] if event.get("action_source", "WEB") in ("WEB", "APP", "OFFLINE") else ["action_source"]
    found += [] if isinstance(event.get("opt_out_targeting", True), bool) else ["opt_out_targeting"]
    return found


def _time(value: str, now: datetime) -> list[str]:
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", value):
        return ["event_time has another form"]
    when = datetime.strptime(value, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
    return [] if when <= now else ["event_time is in the future"]


def _user_data(data: dict[str, Any]) -> list[str]:
    found = [f"user_data.{key}" for key in data if key not in USER_DATA]
    emails = data.get("hashed_emails", ["0" * 64])
    if not isinstance(emails, list) or not all(DIGEST.fullmatch(each) for each in emails):
        found.append("hashed_emails")
    if len(set(emails)) != len(emails):
        found.append("hashed_emails holds one twice")
    found += [] if DIGEST.fullmatch(data.get("hashed_phone_number", "0" * 64)) else ["hashed_phone_number"]
    device = data.get("device_id", "0a-0")
    found += [] if "-" in device and not DIGEST.fullmatch(device) else ["device_id"]
    address = ipaddress.ip_address(data.get("ip_address", "203.0.113.1"))
    return found + (["ip_address"] if address.is_loopback or address.is_link_local or address.is_multicast else [])


def _details(details: dict[str, Any], name: str) -> list[str]:
    found = [f"event_details.{key}" for key in details if key not in DETAILS]
    found += [] if isinstance(details.get("amount", Decimal(1)), Decimal) else ["amount is no number"]
    found += [] if Decimal(0) <= details.get("amount", Decimal(0)) <= 10**12 else ["amount is out of bounds"]
    found += [] if re.fullmatch("[A-Z]{3}", details.get("currency", "USD")) else ["currency"]
    found += ["amount without currency"] if "amount" in details and "currency" not in details else []
    found += [] if re.fullmatch("[1-9][0-9]{0,5}", details.get("content_category", "1")) else ["content_category"]
    needed = name == "PURCHASE" and not {"amount", "currency"} <= details.keys()
    return [*found, "a purchase without revenue"] if needed else found


def _every(value: Any, key: str = "body") -> list[tuple[str, Any]]:
    inner = value.items() if isinstance(value, dict) else []
    return [(key, value), *(pair for name, each in inner for pair in _every(each, name))]


def _compact(event: dict[str, Any], text: str) -> str:
    """The same JSON as Python writes it without any space, amounts as they stand."""
    written = json.dumps(event, separators=(",", ":"), ensure_ascii=False, default=lambda number: f"\x00{number:f}\x00")
    written = re.sub(r'"\\u0000([0-9.]+)\\u0000"', r"\1", written)
    short = {"\\n": "\\u000a", "\\t": "\\u0009", "\\r": "\\u000d", "\\b": "\\u0008", "\\f": "\\u000c"}
    return re.sub(r"\\\\|\\[ntrbf]", lambda match: short.get(match[0], match[0]), written)
