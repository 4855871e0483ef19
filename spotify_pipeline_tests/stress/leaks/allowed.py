"""The few places where a trace may be, each with the reason. Everywhere else it is a leak."""

from __future__ import annotations

import re
from dataclasses import dataclass

from spotify_pipeline_tests.stress.leaks.needles import RAW, Kind
from spotify_pipeline_tests.stress.leaks.scanner import Finding

DIGEST, DIGESTS = frozenset({Kind.DIGEST}), frozenset({Kind.DIGEST, Kind.ASKED})


@dataclass(frozen=True)
class Allowance:
    """Files, by their path below the deployment's directory, and what may be in them.

    Attributes:
        path: of the files, as a pattern.
        kinds: what may be there.
        why: it may.
        while_running_only: not at the end.
        where_people_ask: only in runs in which somebody asks to be forgotten.
        table: of a file that is a database, or of a database: the only table that may show it.
    """

    path: str
    kinds: frozenset[Kind]
    why: str
    while_running_only: bool = False
    where_people_ask: bool = False
    table: str | None = None

    def covers(self, finding: Finding, *, running: bool, people_ask: bool) -> bool:
        file, _, inside = finding.place.partition(" > ")
        shown = inside.removeprefix("table ").partition(" ")[0] if inside.startswith("table ") else None
        return (
            finding.kind in self.kinds
            and (running or not self.while_running_only)
            and (people_ask or not self.where_people_ask)
            and (shown is None or self.table is None or shown == self.table)
            and re.fullmatch(self.path, file) is not None
        )


ALLOWANCES = (
    Allowance(
        r"home/data/identifiers/[^/]+/[^/.][^/]*\.parquet",
        RAW,
        "Normalized identifiers of the newest snapshot: the one file that is kept of them.",
    ),
    Allowance(
        r"home/(data/identifiers/[^/]+|scratch)/\.[^/]+\.parquet\.[^/]+\.work/.+",
        RAW,
        "The same file while it is being written.",
        while_running_only=True,
    ),
    Allowance(
        r"home/data/customer_lists/[^/]+/[^/]+/customer_list\.csv",
        DIGEST,
        "A customer list is digests; at the end, of nobody who asked to be forgotten.",
    ),
    Allowance(
        r"home/(data/(.+/)?|scratch/)\.[^/]+\.work/.+",
        DIGEST,
        "A customer list while it is sorted, or its parts while they are sent.",
        while_running_only=True,
    ),
    Allowance(
        r"bucket/lists/customer_lists/[^/]+/[^/]+/[0-9a-f]{64}\.csv",
        DIGEST,
        "A customer list, as in a folder. Identifiers are there encrypted only.",
    ),
    Allowance(
        r"home/plan/\.[^/]+\.work/.+",
        RAW | DIGEST,
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
        r"home/state\.sqlite(-wal)?",
        DIGESTS,
        "Who is never to be sent again, and nobody's address.",
        while_running_only=True,
        where_people_ask=True,
    ),
    Allowance(
        r"home/state\.sqlite|cwd/backup\.sqlite",
        frozenset({Kind.ASKED}),
        "The same, when the log is folded into the file: of those alone who still ask.",
        where_people_ask=True,
        table="erasure_digest",
    ),
    Allowance(
        r"cwd/(\.backup-[^/]+/.+|backup\.sqlite)",
        DIGESTS,
        "A backup of it, also while it is made.",
        while_running_only=True,
        where_people_ask=True,
    ),
    Allowance(
        r"postgres/(data/(base|pg_wal)/.+|log)",
        DIGESTS,
        "PostgreSQL overwrites nothing, and was told to write each statement down with its values.",
        where_people_ask=True,
    ),
    Allowance(
        r"postgres",
        frozenset({Kind.ASKED}),
        "Who is never to be sent again, as the database gives it.",
        where_people_ask=True,
        table="erasure_digest",
    ),
    Allowance(r"home/\.?state\.key.*", frozenset({Kind.TOKEN}), "The key itself, of a state that is a file."),
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


def leaks(findings: set[Finding], *, running: bool, people_ask: bool) -> list[Finding]:
    """The findings that nothing allows."""
    return sorted(
        finding
        for finding in findings
        if not any(each.covers(finding, running=running, people_ask=people_ask) for each in ALLOWANCES)
    )
