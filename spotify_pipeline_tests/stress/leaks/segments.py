"""Segments of the canaries: sound ones, ones of every type a column can have, and ones that break on a row."""

from __future__ import annotations

import re

PEOPLE = "crm.people"
CLEAN = f"""SELECT email, phone, country, device_id, 'true' AS agreed FROM {PEOPLE}
    WHERE regexp_full_match(email, '[a-z0-9@.-]+') AND regexp_full_match(phone, '[+0-9]+')"""
"""Those whose address and number need no cleaning."""

SOUND = {
    "clean": CLEAN,
    # The whole of the dirt. A limit on values that are not valid may hold its list back.
    "dirty": f"SELECT * FROM {PEOPLE}",
}

OPTED_OUT = {"opted_out": f"SELECT email, phone, country, device_id FROM {PEOPLE} WHERE email LIKE '%canaryvx4-00%'"}
"""Those who are kept out, in every dirt."""


def consent(name: str, column: str) -> dict[str, str]:
    """A segment whose consent is this."""
    return {f"consent_{name}": f"SELECT email, phone, country, device_id, {column} AS agreed FROM {PEOPLE}"}


CONSENTS = {
    **consent("of_people", "email"),
    **consent("null", "NULL"),
    **consent("bytes", "email_bytes"),
}


def typed(name: str, *, email: str = "email", phone: str = "phone", device_id: str = "device_id") -> dict[str, str]:
    """A segment whose identifiers have these types."""
    columns = f"{email} AS email, {phone} AS phone, country, {device_id} AS device_id"
    return {f"typed_{name}": f"SELECT {columns}, 'true' AS agreed FROM {PEOPLE}"}


ENUM = (
    "CASE WHEN phone LIKE '+%' THEN 'zq7canaryvx4-0000@example.com' ELSE 'zq7canaryvx4-0001@example.org' END::crm.mail"
)
ALL_TYPES = {
    "all_types": f"""SELECT email, email_bytes, {ENUM} AS email_enum, [email, phone] AS email_list, phone, phone_number,
    phone_double,
    phone_number::DECIMAL(18, 2) AS phone_decimal, phone_number::HUGEINT AS phone_huge, email_bytes AS phone_bytes,
    country, device_id, device_bytes,
    '5ca1ab1e-7e57-4c0d-8000-000000000001'::UUID AS device_uuid, 'true' AS agreed FROM {PEOPLE}"""
}
"""Every type that a column of identifiers may have."""
WRONG_TYPES = {
    **typed("intervals", phone="INTERVAL 3 DAY"),
    **typed("times", phone="TIMESTAMP '2026-01-01'"),
    **typed("floats", phone="phone_double::FLOAT"),
    **typed("enumerated_lists", email=f"[{ENUM}]"),
    **typed("lists_of_lists", email="[[email], [phone]]"),
    **typed("structures", email="{'email': email}"),
    **typed("maps", phone="MAP([email], [phone])"),
    **typed("unions", email="union_value(email := email)"),
}


def broken(name: str, email: str, *, also: str = "") -> dict[str, str]:
    """A segment that DuckDB cannot read to its end, for what it makes of some address."""
    columns = f"{email} AS email, phone, country, device_id, 'true' AS agreed"
    return {f"broken_{name}": f"SELECT {columns} FROM {PEOPLE} {also}"}


BROKEN = {
    **broken("cast", "CAST(email AS INTEGER)::VARCHAR"),
    **broken("format", "strptime(seen, '%Y-%m-%d')::VARCHAR"),
    **broken("enum", "CAST(email AS crm.mail)::VARCHAR"),
    **broken("json", "json_extract_string(email, '$.mail')"),
    **broken("pattern", "regexp_replace('x', email || '(', '')"),
    **broken("said", "error('cannot use ' || email)"),
    **broken("late", "CASE WHEN email LIKE '%0999%' THEN error(email) ELSE email END"),
    **broken("overflow", "(phone_number * phone_number * phone_number)::VARCHAR"),
    **broken("list", "email::VARCHAR[]::VARCHAR"),
    # The address is in a condition, so that counting the rows breaks on it, too.
    **broken("condition", "email", also="WHERE CAST(email AS INTEGER) > 0"),
    **broken("order", "email", also="ORDER BY CAST(seen AS DATE)"),
}


def audience(view: str) -> str:
    """The YAML of an audience of one of these views."""
    return _audience(view, "email", "phone", "device_id")


def held_back(view: str) -> str:
    """The same with a guard's default, which holds back a list with so much dirt."""
    return audience(view).replace(", max_invalid: 99%", "")


def daily(view: str, *, suppress: str) -> str:
    """The same with a list for each day, without the people of another view."""
    return (
        audience(view).replace("cadence: once", "cadence: {every: day}")
        + f"  suppress: [{{table: crm.{suppress}, max_invalid: 99%}}]\n"
    )


def audience_of_emails(view: str) -> str:
    """The same of addresses alone, where there are many rows."""
    return re.sub(r" +(phone|device_id): .*\n", "", audience(view))


def audience_of_all_types() -> str:
    """The YAML of an audience of ``ALL_TYPES``."""
    emails = "[email, email_bytes, email_enum, email_list]"
    phones = "[phone, phone_number, phone_double, phone_decimal, phone_huge, phone_bytes]"
    return _audience("all_types", emails, phones, "[device_id, device_bytes, device_uuid]")


def _audience(view: str, email: str, phone: str, device_id: str) -> str:
    return f"""
type: spotify_pipeline.CustomerListAudience
attributes:
  segment: {{table: crm.{view}, consent_column: agreed}}
  identifiers:
    email: {email}
    phone: {{column: {phone}, region_column: country, default_region: GB}}
    device_id: {device_id}
  cadence: once
  guards: {{min_rows: 3, max_invalid: 99%}}
"""
