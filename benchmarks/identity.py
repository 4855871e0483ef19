"""Normalizing and hashing identifiers: nanoseconds per value, against ways anybody would write first.

    python -m benchmarks.identity [--rows 300000] [--rounds 5]

The alternatives run in the same process on the same made values, so the ratios hold on a busy machine too; seconds do
not. Each is timed by its best round. What they are:

* ``Python, one by one``: ``strip``, ``lower`` and a pattern, ``uuid.UUID``, ``hashlib``; without most of the rules;
* ``reference of the tests``: all the rules in plain Python; on fewer values, for it is slow;
* ``phonenumbers, one by one``: libphonenumber's Python port for each number; on fewer values too;
* ``DuckDB SQL``: ``lower``, ``trim`` and ``regexp_matches``; it leaves other white space in place and lower-cases some
  letters otherwise, so it is a measure of speed only;
* ``Polars map_elements``: ``hashlib`` called by Polars.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import re
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass

import duckdb
import phonenumbers
import polars as pl

from spotify_pipeline.identity import DeviceId, Email, Phone, digest, normalize
from spotify_pipeline_tests.identity.reference import reference_normalize

COUNTRIES = ["SE", "NO", "DK", "FI", "GB", "DE", "FR", "US", "AU", "BR"]
# A reference of 10 to 50 microseconds a value would take minutes over all rows.
SLOW_ROWS = 10_000

EMAIL_SQL = r"""
    with lowered as (select lower(trim(value)) as value from raw)
    select case when regexp_full_match(value, '[^@\s,;<>()\[\]"\\:]{1,64}@([^@.\s-]+(-+[^@.\s-]+)*\.)+[^@.\s-]+')
           and length(value) <= 254 then value end as normalized from lowered
"""
EMAIL = re.compile(r'[^@\s,;<>()\[\]"\\:]{1,64}@(?:[^@.\s-]+(?:-+[^@.\s-]+)*\.)+[^@.\s-]+(?:-+[^@.\s-]+)*')
DEVICE_ID_SQL = """
    with bare as (select replace(lower(trim(value)), '-', '') as value from raw)
    select case when regexp_full_match(value, '[0-9a-f]{32}') then concat_ws('-', value[1:8], value[9:12],
           value[13:16], value[17:20], value[21:32]) end as normalized from bare
"""


@dataclass(frozen=True, kw_only=True)
class Contender:
    """One way of doing the work, and over how many values it does it."""

    name: str
    run: Callable[[], object]
    values: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=300_000)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    rnd = random.Random(1)
    emails = pl.Series([email(rnd) for _ in range(arguments.rows)])
    device_ids = pl.Series([device_id(rnd) for _ in range(arguments.rows)])
    pairs = [phone(rnd) for _ in range(arguments.rows)]
    phones, regions = pl.Series([value for value, _ in pairs]), pl.Series([region for _, region in pairs])
    print(f"{'':34}{'ns per value':>14}{'times ours':>12}")
    compare("normalize e-mail", email_contenders(emails), arguments.rounds)
    compare("normalize device id", device_id_contenders(device_ids), arguments.rounds)
    compare("normalize phone, ten regions", phone_contenders(phones, regions), arguments.rounds)
    normalized = {
        "e-mail": normalize(emails, Email())["normalized"],
        "device id": normalize(device_ids, DeviceId())["normalized"],
        "phone": normalize(phones, Phone(), beside={"region_column": regions})["normalized"],
    }
    for name, values in normalized.items():
        compare(f"digest of {name}", digest_contenders(values), arguments.rounds)


def email(rnd: random.Random) -> str:
    """An address; one in twenty padded, one in fifty beyond ASCII."""
    name = rnd.choice(["Jane.Doe", "anna", "k.o'brien", "first.last+news"]) + str(rnd.randrange(10**6))
    value = f"{'åsa.' if rnd.random() < 0.02 else ''}{name}@{rnd.choice(['example.com', 'Mail.Example.org'])}"
    return f" {value}\xa0" if rnd.random() < 0.05 else value


def device_id(rnd: random.Random) -> str:
    """A device id, in one of three spellings."""
    digits = f"{rnd.getrandbits(128):032x}"
    spelled = "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
    return rnd.choice([spelled, spelled.upper(), digits])


def phone(rnd: random.Random) -> tuple[str, str]:
    """A number of one of ten countries, written nationally or internationally, and its region; 1% with extension."""
    region = rnd.choice(COUNTRIES)
    example = phonenumbers.example_number_for_type(region, phonenumbers.PhoneNumberType.MOBILE)
    assert example is not None
    national = int(str(example.national_number)[:-5] + f"{rnd.randrange(10**5):05}")
    number = phonenumbers.PhoneNumber(country_code=example.country_code, national_number=national)
    forms = phonenumbers.PhoneNumberFormat
    written = phonenumbers.format_number(number, rnd.choice([forms.E164, forms.INTERNATIONAL, forms.NATIONAL]))
    return written + (" ext. 5" if rnd.random() < 0.01 else ""), region


def email_contenders(values: pl.Series) -> list[Contender]:
    in_python = values.to_list()
    some = in_python[:SLOW_ROWS]
    return [
        Contender(name="ours", run=lambda: normalize(values, Email()), values=len(values)),
        Contender(name="DuckDB SQL", run=in_duckdb(EMAIL_SQL, values), values=len(values)),
        Contender(
            name="Python, one by one",
            run=lambda: [value if EMAIL.fullmatch(value := raw.strip().lower()) else None for raw in in_python],
            values=len(in_python),
        ),
        Contender(
            name="reference of the tests",
            run=lambda: [reference_normalize(raw, Email()) for raw in some],
            values=len(some),
        ),
    ]


def device_id_contenders(values: pl.Series) -> list[Contender]:
    in_python = values.to_list()
    some = in_python[:SLOW_ROWS]
    return [
        Contender(name="ours", run=lambda: normalize(values, DeviceId()), values=len(values)),
        Contender(name="DuckDB SQL", run=in_duckdb(DEVICE_ID_SQL, values), values=len(values)),
        Contender(
            name="Python, one by one",
            run=lambda: [str(uuid.UUID(raw.strip())) for raw in in_python],
            values=len(in_python),
        ),
        Contender(
            name="reference of the tests",
            run=lambda: [reference_normalize(raw, DeviceId()) for raw in some],
            values=len(some),
        ),
    ]


def phone_contenders(values: pl.Series, regions: pl.Series) -> list[Contender]:
    some = list(zip(values.head(SLOW_ROWS), regions.head(SLOW_ROWS), strict=True))
    return [
        Contender(
            name="ours",
            run=lambda: normalize(values, Phone(), beside={"region_column": regions}),
            values=len(values),
        ),
        Contender(
            name="phonenumbers, one by one",
            run=lambda: [reference_normalize(value, "phone", region) for value, region in some],
            values=len(some),
        ),
    ]


def digest_contenders(values: pl.Series) -> list[Contender]:
    in_python = values.to_list()
    some = values.head(SLOW_ROWS)
    return [
        Contender(name="ours", run=lambda: digest(values), values=len(values)),
        Contender(
            name="DuckDB sha256()",
            run=in_duckdb("select sha256(value) as digest from raw", values),
            values=len(values),
        ),
        Contender(
            name="Python, one by one",
            run=lambda: [hashlib.sha256(value.encode()).hexdigest() for value in in_python],
            values=len(in_python),
        ),
        Contender(
            name="Polars map_elements",
            run=lambda: some.map_elements(
                lambda value: hashlib.sha256(value.encode()).hexdigest(), return_dtype=pl.String
            ),
            values=len(some),
        ),
    ]


def in_duckdb(query: str, values: pl.Series) -> Callable[[], object]:
    """The query over a view named ``raw`` of the values, its result as Arrow."""
    connection = duckdb.connect()
    connection.register("raw", values.alias("value").to_frame().to_arrow())
    return lambda: connection.sql(query).to_arrow_table()


def compare(title: str, contenders: list[Contender], rounds: int) -> None:
    """Print the time per value of each contender, and its ratio to the first."""
    print(title)
    best = {contender.name: float("inf") for contender in contenders}
    for _ in range(rounds):  # in turn, so that a busy moment falls on all
        for contender in contenders:
            start = time.perf_counter()
            contender.run()
            taken = (time.perf_counter() - start) / contender.values * 1e9
            best[contender.name] = min(best[contender.name], taken)
    ours = best[contenders[0].name]
    for name, taken in best.items():
        print(f"  {name:32}{taken:14,.0f}{taken / ours:12.1f}")


if __name__ == "__main__":
    main()
