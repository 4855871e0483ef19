"""A function of one's own as an audience's segment: everything that holds for a table holds for it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest

from spotify_pipeline.sandbox import SandboxServer
from spotify_pipeline_tests.components.runs import (
    PEOPLE,
    Deployment,
    change_people,
    digest,
    digests_at_spotify,
    said_by,
)
from spotify_pipeline_tests.how_to import code_on

MODULE = '''
import polars as pl

calls = 0


def vips():
    """Forty people in four batches, of whom every fourth did not agree."""
    global calls
    calls += 1
    for first in range(0, 40, 10):
        yield pl.DataFrame({
            "email": [f"person{n}@example.com" for n in range(first, first + 10)],
            "agreed": [n % 4 != 0 for n in range(first, first + 10)],
            "visits": [float("nan") if n == 39 else float(n) for n in range(first, first + 10)],
        })


def fails():
    yield from vips()
    raise LookupError("canary-7f3a@example.com")


def fewer_each_time():
    yield from list(vips())[calls - 1 :]


def with_an_argument(since):
    yield from vips()
'''
HEADING = "A segment from a Python function"
FUNCTION = PEOPLE.replace("table: crm.people", "python: FUNCTION, asset_key: shop/vips")
FEW = """\
  suppress: [{table: crm.people, identifiers: {email: email}}]
  oversize: {truncate: {order_by: visits, keep: highest}}
"""


@pytest.fixture
def module(environment: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> str:
    """The name of a module of one's own, which nothing else imported."""
    name = f"shop_{abs(hash(request.node.name))}"
    (environment / f"{name}.py").write_text(MODULE)
    monkeypatch.syspath_prepend(environment)
    return name


@pytest.mark.e2e
def test_the_function_of_the_page_on_extending_is_mirrored_as_it_stands_there(
    load: Callable[..., dg.Definitions],
    environment: Path,
    sandbox: SandboxServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    package = environment / "my_project"
    package.mkdir()
    (package / "segments.py").write_text(code_on("extend.md", HEADING, "python")[0], encoding="utf-8")
    monkeypatch.syspath_prepend(environment)
    result = Deployment(load({"vips": code_on("extend.md", HEADING, "yaml")[0]})).run(audience="vips")
    assert result.success, said_by(result)
    agreed = {digest(f"person{n}@example.com") for n in range(40) if n % 4 != 0}
    assert digests_at_spotify(sandbox, name="VIPs") == agreed


@pytest.mark.e2e
def test_people_of_a_function_are_mirrored_without_those_who_are_kept_out(
    module: str, load: Callable[..., dg.Definitions], environment: Path, sandbox: SandboxServer
) -> None:
    few = FEW.replace("[{table: crm.people", "[{table: crm.gone")
    change_people(environment, "CREATE TABLE crm.gone AS SELECT * FROM crm.people WHERE email LIKE 'person1%'")
    content = FUNCTION.replace("FUNCTION", f"{module}.vips").replace("min_rows: 3", "min_rows: 3, max_bytes: 700")
    definitions = load({"people": content + few})
    assert dg.AssetKey(["shop", "vips"]) in definitions.resolve_asset_graph().get_all_asset_keys()
    result = Deployment(definitions).run()
    assert result.success, said_by(result)
    # 17 bytes of a header and 65 a row: ten people, those with most visits first; 39 has none that can be compared.
    stay = [n for n in range(38, 19, -1) if n % 4 != 0][:10]
    assert digests_at_spotify(sandbox) == {digest(f"person{n}@example.com") for n in stay}


@pytest.mark.parametrize(
    ("function", "sentence"),
    [
        ("fails", "could not be read to its end (LookupError; the message is withheld"),
        ("fewer_each_time", "40 rows, but 30 were read"),
    ],
)
def test_p03_a10_what_it_raises_or_leaves_out_stops_the_run_and_is_not_quoted(
    module: str, load: Callable[..., dg.Definitions], sandbox: SandboxServer, function: str, sentence: str
) -> None:
    result = Deployment(load({"people": FUNCTION.replace("FUNCTION", f"{module}.{function}")})).run()
    assert not result.success
    assert sentence in said_by(result)
    assert "canary" not in "".join(str(event) for event in result.all_events)


@pytest.mark.parametrize(
    ("function", "sentence"),
    [
        ("MODULE.nobody", "has no nobody. Correct the path"),
        ("MODULE.calls", "is no function"),
        ("MODULE.with_an_argument", "is called without arguments"),
        ("no_such_shop.vips", "there is no module no_such_shop"),
        ("vips", "not a dotted path"),
    ],
)
def test_a_function_that_cannot_be_called_is_refused_with_file_and_line(
    module: str, mistake: Callable[..., str], function: str, sentence: str
) -> None:
    said = mistake(FUNCTION.replace("FUNCTION", function.replace("MODULE", module)))
    assert "defs.yaml:4 attributes.segment.python: " in said
    assert sentence in said


def test_only_one_place_of_people_is_named(mistake: Callable[..., str]) -> None:
    said = mistake(PEOPLE.replace("table: crm.people", "table: crm.people, python: shop.vips"))
    assert "specify one of dbt_model (a model of the dbt project), table (schema.table) and python" in said
