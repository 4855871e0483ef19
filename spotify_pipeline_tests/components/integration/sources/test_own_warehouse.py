"""A warehouse class of a project's own, named in its connection: the class of docs/how-to/extend.md, all the way."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from spotify_pipeline.cli.project import innermost_mistake
from spotify_pipeline.sandbox import SandboxServer
from spotify_pipeline_tests.components.projects import other_project
from spotify_pipeline_tests.components.runs import PEOPLE, Deployment, digest, digests_at_spotify, said_by
from spotify_pipeline_tests.how_to import code_on

AUDIENCE = (
    PEOPLE.replace("min_rows: 3", "min_rows: 3, max_bytes: 700, max_source_age: 3650d")
    .replace("agreed}", "agreed, updated_at: loaded}")
    .replace(
        "  cadence",
        "  suppress: [{table: crm.gone, identifiers: {email: email}}]\n"
        "  oversize: {truncate: {order_by: visits, keep: highest}}\n  cadence",
    )
)


@pytest.fixture
def connection(environment: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The YAML of the page, for a module and a folder of Parquet files in a place of this test's own."""
    module = f"shop_lake_{environment.name.replace('-', '_')}"
    (environment / f"{module}.py").write_text(code_on("extend.md", "A warehouse", "python")[0], encoding="utf-8")
    monkeypatch.syspath_prepend(environment)
    people = pl.DataFrame(
        {
            "email": [f"person{n}@example.com" for n in range(40)],
            "agreed": [n % 4 != 0 for n in range(40)],
            "visits": [None if n == 39 else n for n in range(40)],
        }
    ).with_columns(pl.lit("2026-11-01").str.to_date().alias("loaded"))
    for name, rows in (("people", people), ("gone", people.filter(pl.col("email").str.starts_with("person1")))):
        table = environment / "lake" / "crm" / name
        table.mkdir(parents=True)
        rows[:5].write_parquet(table / "1.parquet")
        rows[5:].write_parquet(table / "2.parquet")
    stated = code_on("extend.md", "A warehouse", "yaml")[0].replace("my_project.warehouse", module)
    return stated.replace("/data/lake", "{env: SHOP_LAKE}")


def definitions_of(environment: Path, connection: str, monkeypatch: pytest.MonkeyPatch) -> dg.Definitions:
    files = {"spotify/defs.yaml": connection, "audiences/people/defs.yaml": AUDIENCE}
    return other_project(environment / "elsewhere", files, "lake_ads").load(monkeypatch)


@pytest.mark.e2e
def test_a_project_s_own_warehouse_is_mirrored(
    connection: str, environment: Path, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    definitions = definitions_of(environment, connection, monkeypatch)
    monkeypatch.setenv("SHOP_LAKE", str(environment / "lake"))
    result = Deployment(definitions).run()
    assert result.success, said_by(result)
    stay = [n for n in range(38, 19, -1) if n % 4 != 0][:10]
    assert digests_at_spotify(sandbox) == {digest(f"person{n}@example.com") for n in stay}


@pytest.mark.parametrize(
    ("stated", "wrong", "sentence"),
    [
        (".ParquetFolder", ".Nowhere", "has no Nowhere. Correct the path"),
        (".ParquetFolder", ".Path", "is no subclass of spotify_pipeline.warehouse.Warehouse"),
        ("folder:", "directory:", "the options do not fit"),
    ],
)
def test_a_class_or_option_that_cannot_be_is_refused_with_file_and_line(
    connection: str, environment: Path, monkeypatch: pytest.MonkeyPatch, stated: str, wrong: str, sentence: str
) -> None:
    with pytest.raises(Exception) as refused:
        definitions_of(environment, connection.replace(stated, wrong), monkeypatch)
    said = innermost_mistake(refused.value)
    assert "spotify/defs.yaml:3 attributes.warehouse: " in said
    assert sentence in said
