"""The few places where a trace may be, each with the reason. Everywhere else it is a leak."""

from __future__ import annotations

import re
from dataclasses import dataclass

from spotify_pipeline_tests.stress.leaks.needles import RAW, Kind
from spotify_pipeline_tests.stress.leaks.scanner import Finding


@dataclass(frozen=True)
class Allowance:
    """Files, by their path below the deployment's directory, and what may be in them."""

    path: str
    kinds: frozenset[Kind]
    why: str
    while_running_only: bool = False

    def covers(self, finding: Finding, *, running: bool) -> bool:
        file = finding.place.partition(" > ")[0]
        return (
            finding.kind in self.kinds
            and (running or not self.while_running_only)
            and re.fullmatch(self.path, file) is not None
        )


ALLOWANCES = (
    Allowance(
        r"home/data/identifiers/[^/]+/[^/.][^/]*\.parquet",
        RAW,
        "Normalized identifiers of the newest snapshot: the one file that is kept of them.",
    ),
    Allowance(
        r"home/data/identifiers/[^/]+/\.[^/]+\.work/.+",
        RAW,
        "The same file while it is being written.",
        while_running_only=True,
    ),
    Allowance(
        r"home/data/customer_lists/[^/]+/[^/]+/customer_list\.csv",
        frozenset({Kind.DIGEST}),
        "A customer list is digests.",
    ),
    Allowance(
        r"home/data/(.+/)?\.[^/]+\.work/.+",
        frozenset({Kind.DIGEST}),
        "A customer list while it is sorted, or its parts while they are sent.",
        while_running_only=True,
    ),
    Allowance(
        r"home/plan/\.[^/]+\.work/.+",
        RAW | {Kind.DIGEST},
        "Identifiers and list of a plan while it is made.",
        while_running_only=True,
    ),
    Allowance(
        r"home/dbt/[^/]+/.+",
        RAW,
        "What dbt writes of a build, its messages among it; the directory is private and goes with the build.",
        while_running_only=True,
    ),
    Allowance(r"warehouse/warehouse\.duckdb\.(wal|tmp/.+)", RAW, "The source itself, while dbt writes into it."),
    Allowance(
        r"home/state\.sqlite(-wal)?", frozenset({Kind.DIGEST}), "Who is never to be sent again, and nobody's address."
    ),
    Allowance(
        r"home/spill/.+",
        RAW,
        "What of a query does not fit in DuckDB's memory.",
        while_running_only=True,
    ),
    Allowance(
        r"cwd/(\.capi\.env\.[0-9]+\.tmp|capi\.env)",
        frozenset({Kind.TOKEN}),
        "The file of variables that `create-token` was told to write.",
    ),
)


def leaks(findings: set[Finding], *, running: bool) -> list[Finding]:
    """The findings that nothing allows."""
    return sorted(
        finding for finding in findings if not any(each.covers(finding, running=running) for each in ALLOWANCES)
    )
