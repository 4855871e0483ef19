"""A thousand people who do not exist, in every kind of dirt, and the stems by which each trace of them is known.

All addresses are of reserved domains, all phone numbers of the range that Ofcom sets aside for drama. Every value of
a kind holds the same stem, which nothing else holds: whoever finds the stem has found a person.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import duckdb
import polars as pl

COUNT = 1_000

MAIL_STEM = "zq7canaryvx4"
PHONE_STEMS = ("47700900", "07700900", "7700 900", "7700-900", "7700.900", "7700) 900", "4.47700900")
"""As the numbers are written, in their dirt and out of it."""
IP_STEM = "5ca1:ab1e"
"""Of addresses in 2001:db8::/32, which is set apart for documentation."""
DEVICE_STEMS = ("5ca1ab1e-7e57-4c0d", "5ca1ab1e7e574c0d")
DEVICE_BYTES = bytes.fromhex(DEVICE_STEMS[1])
"""The stem of a device id that is kept as sixteen bytes."""

CONSENT = ("true", "TRUE ", "yes", "Y", "1", "t", "true", "yes", "false", "no", "0", "", None, "maybe", "unknown")
"""One after the other, so that about half of the people agreed."""


@dataclass(frozen=True, kw_only=True)
class Canary:
    """One person, clean; ``number`` tells which dirt the columns of the table are in."""

    number: int
    email: str
    phone: str
    device_id: str
    ip_address: str

    @property
    def agreed(self) -> str | None:
        return CONSENT[self.number % len(CONSENT)]


def canaries() -> list[Canary]:
    """The same people in every process."""
    return [
        Canary(
            number=number,
            email=f"{MAIL_STEM}-{number:04d}@example.{('com', 'org', 'net')[number % 3]}",
            phone=f"+447700900{number:03d}",
            device_id=f"{DEVICE_STEMS[0]}-8000-{number:012x}",
            ip_address=f"2001:db8:{IP_STEM}::{number:x}",
        )
        for number in range(COUNT)
    ]


def digests() -> set[str]:
    """What a list may hold of them: the digest of each clean identifier, also of those that are never clean."""
    clean = (value for one in canaries() for value in (one.email, one.phone, one.phone.strip("+"), one.device_id))
    return {hashlib.sha256(value.encode()).hexdigest() for value in clean}


def dirty_email(one: Canary) -> str:
    """The address as the warehouse holds it."""
    plain = one.email
    local, _, domain = plain.partition("@")
    dirt = (
        plain,
        plain.upper(),
        f"  {plain}\t",
        f"{local}\x00@{domain}",
        f"{local}\n@{domain}",
        f"{local}\U0001f600@{domain}",
        f"{local * 600}@{domain}",
        f'"{plain}"\'',
        f'=HYPERLINK("https://example.com/?{plain}")',
        f"{local}+news@{domain}",
        f"'; DROP TABLE {local}; --",
        f"\ufeff{plain}\u200b",
        f"{plain},{plain};{plain}",
        f"{local}\u202e@{domain}",
        f"{local}%40{domain}",
        f"[{plain}](mailto:{plain})",
    )
    return dirt[one.number % len(dirt)]


def dirty_phone(one: Canary) -> str:
    """The number as somebody typed it."""
    last = f"{one.number:03d}"
    dirt = (
        one.phone,
        f"07700900{last}",
        f"07700 900 {last}",
        f"(07700) 900-{last}",
        f"+44 (0)7700-900-{last}",
        f"0044 7700.900.{last}",
        f" {one.phone} ext. 12",
        f"{one.phone}\x00",
        f"{one.phone}.0",
    )
    return dirt[one.number % len(dirt)]


def dirty_device_id(one: Canary) -> str:
    """The device id as an app sent it."""
    plain = one.device_id
    dirt = (plain, plain.upper(), plain.replace("-", ""), f"{{{plain}}}", f" {plain}\n", plain + "\x00")
    return dirt[one.number % len(dirt)]


def dirty_ip_address(one: Canary) -> str:
    """The IP address as a log holds it."""
    plain = one.ip_address
    long = f"2001:0db8:{IP_STEM}:0000:0000:0000:{one.number:04x}"
    dirt = (plain, plain.upper(), f" {plain}\t", long, f"[{plain}]:443", f"{plain}%eth0", f"{plain}/64", plain + "\x00")
    return dirt[one.number % len(dirt)]


def table(times: int = 1) -> pl.DataFrame:
    """The people as rows, ``times`` over; each column in a dirt or a type of its own."""
    people = canaries() * times
    # The longest addresses once: they would make the table of thousands of times as large as a warehouse.
    return pl.DataFrame(
        {
            "email": [dirty_email(one) if row < COUNT else dirty_email(one)[:120] for row, one in enumerate(people)],
            "email_bytes": [_bytes(one) for one in people],
            "phone": [dirty_phone(one) for one in people],
            "phone_number": [int(one.phone) for one in people],
            "phone_double": [float(one.phone) for one in people],
            "device_id": [dirty_device_id(one) for one in people],
            "ip_address": [dirty_ip_address(one) for one in people],
            "device_bytes": [UUID(one.device_id).bytes for one in people],
            "country": [("GB", " gb ", "ZZ", one.email, None)[one.number % 5] for one in people],
            "agreed": [one.agreed for one in people],
            "seen": [(f"2026-01-{one.number % 28 + 1:02d}", "yesterday", one.email)[one.number % 3] for one in people],
        },
        schema_overrides={"email_bytes": pl.Binary, "device_bytes": pl.Binary},
    )


def write_warehouse(file: Path, views: dict[str, str], *, times: int = 1) -> None:
    """A warehouse with the people in ``crm.people`` and these views, each a name in ``crm`` and its query."""
    rows = table(times)
    with duckdb.connect(str(file)) as connection:
        connection.execute("CREATE SCHEMA crm")
        connection.register("canaries", rows.to_arrow(compat_level=pl.CompatLevel.oldest()))
        connection.execute("CREATE TABLE crm.people AS SELECT * FROM canaries")
        for statement in _with_kinds(views):
            connection.execute(statement)


def _with_kinds(views: dict[str, str]) -> Iterator[str]:
    # The names of an enumeration's type are its values, so a type may quote people, too.
    yield f"CREATE TYPE crm.mail AS ENUM ('{canaries()[0].email}', '{canaries()[1].email}')"
    for name, query in views.items():
        yield f'CREATE VIEW crm."{name}" AS {query}'


def _bytes(one: Canary) -> bytes:
    return (b"\xff\xfe" if one.number % 2 else b"") + one.email.encode()
