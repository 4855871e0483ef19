"""Counts every customer list again from the raw tables, by plain Python, and compares it with what was received.

    python -m spotify_pipeline_tests.demo.recount --warehouse PATH [--received DIRECTORY_OR_SANDBOX_URL | --sandbox DIR]

Nothing of the product is imported: segments come from :mod:`segments_by_hand`, identity rules from the slow reference.
Only counts are printed, never a value. Exits 0 when every list is equal, 1 when one differs, 2 when it cannot compare.
"""

from __future__ import annotations

import argparse
import csv
import io
import itertools
import json
import sys
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import yaml

from spotify_pipeline.sandbox import SandboxServer
from spotify_pipeline_tests.demo.segments_by_hand import SEGMENTS, SUPPRESSIONS, Facts, Row, read_facts
from spotify_pipeline_tests.identity.reference import NORMALIZED, reference_digest, reference_normalize

AS_OF = date(2026, 11, 16)
AUDIENCES = Path(__file__).parents[2] / "spotify_pipeline" / "defs" / "audiences"
MINIMUM_ROWS = 1_000  # of a list that is sent, where the audience's YAML says nothing else

TYPES = ("email", "phone", "device_id")
HEADER = {"email": "EMAIL_ID_SHA256", "phone": "PHONE_NUMBER_SHA256", "device_id": "DEVICE_ID_SHA256"}

Digests = tuple[str, str, str]
"""One row of a list: a digest per type of TYPES, or empty."""


class CannotCompareError(Exception):
    """The comparison itself is impossible; the message says why."""


@dataclass(frozen=True, kw_only=True)
class AudienceOnPaper:
    """What an audience's YAML asks for. ``columns``: the source columns of each identifier type."""

    key: str
    name: str
    model: str
    consent_column: str | None
    columns: dict[str, list[str]]
    region_column: str | None
    default_region: str | None
    minimum_rows: int
    suppressed_by: tuple[str, ...] = ()


@dataclass(kw_only=True)
class RecountResult:
    """A list as it should be."""

    audience: AudienceOnPaper
    people_read: int = 0
    people_without_consent: int = 0
    people_kept: int = 0
    """With consent, at least one digest, and none of somebody who is kept out."""
    rows: set[Digests] = field(default_factory=set)
    rejected: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Values of people with consent, by identifier type and reason."""

    @property
    def is_sent(self) -> bool:
        """Whether the list is large enough to be sent at all."""
        return len(self.rows) >= self.audience.minimum_rows

    def digests(self) -> dict[str, int]:
        """Distinct digests of each configured type."""
        return {
            identifier: len({row[position] for row in self.rows} - {""})
            for position, identifier in enumerate(TYPES)
            if identifier in self.audience.columns
        }


@dataclass(frozen=True, kw_only=True)
class Difference:
    """How a received list differs from the recount, in rows."""

    missing: int
    unexpected: int
    repeated: int

    def __bool__(self) -> bool:
        return bool(self.missing or self.unexpected or self.repeated)


def read_audiences(directory: Path) -> list[AudienceOnPaper]:
    """Every ``<audience>/defs.yaml`` below ``directory``, by name of its folder."""
    files = sorted(directory.glob("*/defs.yaml"))
    if not files:
        raise CannotCompareError(f"{directory} holds no <audience>/defs.yaml.")
    return [_audience(file.parent.name, yaml.safe_load(file.read_text())["attributes"]) for file in files]


def _audience(key: str, attributes: dict[str, Any]) -> AudienceOnPaper:
    segment, identifiers = attributes["segment"], attributes["identifiers"]
    suppressed_by = attributes.get("suppress", [])
    unsupported = {"oversize"} & attributes.keys() | {str(each) for each in suppressed_by if each not in SUPPRESSIONS}
    if unsupported or attributes.get("layout", "wide") != "wide" or "dbt_model" not in segment:
        raise CannotCompareError(f"{key}: the recount knows wide lists of a dbt model, without {sorted(unsupported)}.")
    if segment["dbt_model"] not in SEGMENTS:
        raise CannotCompareError(f"{key}: segments_by_hand.py says nothing of the model {segment['dbt_model']}.")
    phone = identifiers.get("phone")
    phone = phone if isinstance(phone, dict) else {}
    return AudienceOnPaper(
        key=key,
        name=attributes.get("name", key),
        model=segment["dbt_model"],
        consent_column=segment.get("consent_column"),
        columns={identifier: _columns(source) for identifier, source in identifiers.items()},
        region_column=phone.get("region_column"),
        default_region=phone.get("default_region"),
        minimum_rows=attributes.get("guards", {}).get("min_rows", MINIMUM_ROWS),
        suppressed_by=tuple(suppressed_by),
    )


def _columns(source: Any) -> list[str]:
    columns = source["column"] if isinstance(source, dict) else source
    return [columns] if isinstance(columns, str) else list(columns)


class _Digester:
    """The reference rules, each distinct value worked out once: the phone library takes its time."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str | None, str | None], tuple[str | None, str]] = {}

    def __call__(self, identifier: str, raw: str | None, region: str | None) -> tuple[str | None, str]:
        """The digest, else null and the reason."""
        key = (identifier, raw, region)
        if key not in self._known:
            outcome, text = reference_normalize(raw, identifier, region=region)
            self._known[key] = (reference_digest(text), "") if outcome == NORMALIZED else (None, text)
        return self._known[key]


def recount(warehouse: Path, *, audiences: Path = AUDIENCES, as_of: date = AS_OF) -> dict[str, RecountResult]:
    """Every audience's list as it should be, from the raw tables of ``warehouse``, by name of its folder."""
    facts = read_facts(warehouse, as_of)
    digester = _Digester()
    return {
        audience.key: _recount(
            audience, SEGMENTS[audience.model](facts), digester, _kept_out(audience, facts, digester)
        )
        for audience in read_audiences(audiences)
    }


def _kept_out(audience: AudienceOnPaper, facts: Facts, digester: _Digester) -> set[str]:
    """Digests of those who are kept out, by the audience's own columns as far as their table has them."""
    return {
        digest
        for model in audience.suppressed_by
        for person in SUPPRESSIONS[model](facts)
        for identifier in audience.columns
        for digest in _digests_of(person, identifier, audience, digester, Counter())
    }


def _recount(
    audience: AudienceOnPaper, people: Iterator[Row], digester: _Digester, kept_out: set[str]
) -> RecountResult:
    result = RecountResult(audience=audience)
    for person in people:
        result.people_read += 1
        if audience.consent_column is not None and person[audience.consent_column] is not True:
            result.people_without_consent += 1
            continue
        cells = [_digests_of(person, identifier, audience, digester, result.rejected) for identifier in TYPES]
        if any(cells):
            if any(digest in kept_out for cell in cells for digest in cell):
                continue
            result.people_kept += 1
            emails, phones, device_ids = (sorted(digests) or [""] for digests in cells)
            result.rows.update(itertools.product(emails, phones, device_ids))
    return result


def _digests_of(
    person: Row, identifier: str, audience: AudienceOnPaper, digester: _Digester, rejected: Counter[tuple[str, str]]
) -> set[str]:
    region = None
    if identifier == "phone":
        region = (person.get(audience.region_column) if audience.region_column else None) or audience.default_region
    digests: set[str] = set()
    for column in audience.columns.get(identifier, []):
        if column not in person:  # of a table of people who are kept out
            continue
        digest, reason = digester(identifier, person[column], region)
        if digest is None:
            rejected[identifier, reason] += 1
        else:
            digests.add(digest)
    return digests


def read_list(lines: Iterable[str], configured: Iterable[str]) -> Counter[Digests]:
    """The rows of a received CSV, each with how often it stands there.

    Raises:
        CannotCompareError: a header that is not of the identifier types, or a row of another width.
    """
    rows = csv.reader(lines)
    header = next(rows, [])
    names = {HEADER[identifier] for identifier in configured}
    if not header or len(set(header)) != len(header) or not names.issuperset(header):
        raise CannotCompareError("the received list has another header than its identifier types.")
    positions = [header.index(HEADER[identifier]) if HEADER[identifier] in header else None for identifier in TYPES]
    counted: Counter[Digests] = Counter()
    for row in rows:
        if len(row) != len(header):
            raise CannotCompareError("the received list has a row that is wider or narrower than its header.")
        email, phone, device_id = ("" if position is None else row[position] for position in positions)
        counted[email, phone, device_id] += 1
    return counted


def difference(expected: set[Digests], received: Counter[Digests]) -> Difference:
    """How ``received`` differs; false if it does not."""
    return Difference(
        missing=len(expected - received.keys()),
        unexpected=len(received.keys() - expected),
        repeated=received.total() - len(received),
    )


def received_list(source: str, audience: AudienceOnPaper) -> Counter[Digests] | None:
    """What ``source`` (a directory of ``<audience>.csv``, or a sandbox's URL) has of an audience; null if nothing."""
    if not source.startswith(("http://", "https://")):
        file = Path(source) / f"{audience.key}.csv"
        return read_list(io.StringIO(file.read_text("ascii")), audience.columns) if file.exists() else None
    sandbox = source.rstrip("/")
    answer = json.loads(_get(f"{sandbox}/sandbox/audiences"))
    listed = answer["audiences"] if isinstance(answer, dict) else answer
    found = [entry["id"] for entry in listed if entry["name"] == audience.name]
    if len(found) > 1:
        raise CannotCompareError(f"the sandbox has {len(found)} audiences of this name.")
    if not found:
        return None
    return read_list(io.StringIO(_get(f"{sandbox}/sandbox/audiences/{found[0]}/list")), audience.columns)


def _get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=60) as answer:  # noqa: S310 (http or https, given on the command line)
        return answer.read().decode("utf-8")


def _verdict(result: RecountResult, source: str | None) -> tuple[str, bool]:
    """What stands at the end of an audience's line, and whether all is well."""
    if source is None:
        return "not compared", True
    received = received_list(source, result.audience)
    if received is None:
        return ("nothing received", False) if result.is_sent else ("too small, nothing received: right", True)
    if not result.is_sent:
        return "received although too small", False
    found = difference(result.rows, received)
    if found:
        rows = f"{found.missing:,} missing, {found.unexpected:,} unexpected, {found.repeated:,} repeated"
        return f"DIFFERENT: {rows}", False
    return "equal", True


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a line per audience; the process's exit status."""
    parser = argparse.ArgumentParser(prog="recount", description=str(__doc__).split("\n", 1)[0])
    parser.add_argument("--warehouse", type=Path, required=True, help="the DuckDB file")
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--received", help="a running sandbox's URL, or a directory of <audience>.csv")
    source.add_argument("--sandbox", type=Path, help="the state directory of a sandbox that is not running")
    parser.add_argument("--audiences", type=Path, default=AUDIENCES, help="where the audiences' YAML lies")
    parser.add_argument("--as-of", type=date.fromisoformat, default=AS_OF, help="the day the segments are of")
    asked = parser.parse_args(arguments)
    if asked.sandbox is None:
        return _compare(asked, asked.received)
    with SandboxServer(state_directory=asked.sandbox) as sandbox:
        return _compare(asked, sandbox.url)


def _compare(asked: argparse.Namespace, received: str | None) -> int:
    try:
        results = recount(asked.warehouse, audiences=asked.audiences, as_of=asked.as_of)
    except (CannotCompareError, duckdb.Error) as error:
        sys.stderr.write(f"{str(error).splitlines()[0]}\n")
        return 2
    exit_status = 0
    for key, result in results.items():
        try:
            verdict, right = _verdict(result, received)
            exit_status = max(exit_status, 0 if right else 1)
        except (CannotCompareError, urllib.error.URLError, ValueError, KeyError) as error:
            verdict, exit_status = f"cannot compare: {error}", 2
        sys.stdout.write(f"{_counts(key, result)}  {verdict}\n")
    return exit_status


def _counts(key: str, result: RecountResult) -> str:
    digests = ", ".join(f"{identifier} {count:,}" for identifier, count in result.digests().items())
    people = f"{result.people_read:>9,} read  {result.people_kept:>9,} kept"
    return f"{key:<22}{people}  {len(result.rows):>9,} rows  ({digests})"


if __name__ == "__main__":
    sys.exit(main())
