"""The wheel in a Dagster project of one's own: from `create-dagster project` to a mirrored audience, and beyond.

Every test is about one project, made once: the wheel is installed into a new virtual environment, nothing of this
checkout is on its path, and a sandbox in this process is Spotify.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from spotify_pipeline.sandbox import DEFAULTS, SandboxConfig, SandboxServer
from spotify_pipeline_tests.components.runs import digest, digests_at_spotify, writes
from spotify_pipeline_tests.e2e.own_project import PEOPLE, OwnProject, build_wheel, dagster_ui, files, install
from spotify_pipeline_tests.how_to import code_on

pytestmark = pytest.mark.slow
CHROMIUM = Path("/usr/bin/chromium")
PATIENCE = 120_000
"""Milliseconds for a page on a machine that others keep busy."""
EVERYBODY = {digest(f"person{number}@example.com") for number in range(PEOPLE)}


@dataclass(frozen=True)
class Place:
    """The project, its Spotify, and what was on the disk before anything of it ran."""

    project: OwnProject
    sandbox: SandboxServer
    folder: Path
    before: set[Path]

    @property
    def outside(self) -> set[Path]:
        """The files that came since, outside the project."""
        return {file for file in files(self.folder) - self.before if not file.is_relative_to(self.project.root)}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("own")
    installed = install(build_wheel(tmp_path_factory.mktemp("wheel")), folder / "venv")
    project = OwnProject.create(installed, folder, "my-project")
    before = files(folder)
    # Two projects, two token stores, one bootstrap token: it is not used up by the first.
    with SandboxServer(SandboxConfig(minimum_rows=3, rotate_refresh_tokens=False)) as sandbox:
        said = project("spotify-pipeline", "init")
        assert said.count("wrote") == 6, said
        project.set_env(sandbox)
        yield Place(project, sandbox, folder, before)


@pytest.fixture(scope="module")
def mirrored(place: Place) -> Place:
    """The audience that `init` wrote, over a plain table, adapted and mirrored."""
    project = place.project
    project.fill_table()
    yaml = project.defs / "audiences" / "customers" / "defs.yaml"
    adapted = [line for line in yaml.read_text().splitlines() if "cadence:" not in line]
    yaml.write_text("\n".join([*adapted, "  cadence: once", "  guards: {min_rows: 3}", ""]))
    project("dg", "check", "defs")
    project.launch("customers")
    return place


def test_the_audience_is_mirrored(mirrored: Place) -> None:
    assert digests_at_spotify(mirrored.sandbox, name="Customers") >= EVERYBODY


def test_the_command_line_sees_the_same_project(mirrored: Place) -> None:
    project, sent = mirrored.project, writes(mirrored.sandbox)
    assert "customers" in project("spotify-pipeline", "doctor")
    assert "customers" in project("spotify-pipeline", "plan")
    assert "created" in project("spotify-pipeline", "receipts", "list", "customers")
    assert writes(mirrored.sandbox) == sent


def test_nothing_is_written_outside_the_project(mirrored: Place) -> None:
    assert mirrored.outside == set()
    home = mirrored.project.root / ".spotify_pipeline"
    assert {"state.sqlite", "locks"} <= {each.name for each in home.iterdir()}


@pytest.fixture(scope="module")
def segmented(mirrored: Place) -> Place:
    """The function of the page on extending, mirrored."""
    heading = "A segment from a Python function"
    (code,), (yaml,) = code_on("extend.md", heading, "python"), code_on("extend.md", heading, "yaml")
    mirrored.project.write("segments.py", code)
    mirrored.project.write("defs/audiences/vips/defs.yaml", yaml)
    mirrored.project.launch("vips")
    return mirrored


def test_a_function_of_the_project_is_a_segment(segmented: Place) -> None:
    assert len(digests_at_spotify(segmented.sandbox, name="VIPs") & EVERYBODY) == 30


@pytest.fixture(scope="module")
def checked(mirrored: Place) -> str:
    """What the run says that the blocking check of the page on extending stops."""
    (code,) = code_on("extend.md", "A check of your own before a list is sent", "python")
    mirrored.project.write("defs/checks.py", code.replace("1_000_000", "10"))
    mirrored.project.add_audience("win_back", segment="table: crm.customers, consent_column: marketing_consent")
    return mirrored.project.launch("win_back", fails=True)


def test_a_check_of_the_project_holds_a_list_back(mirrored: Place, checked: str) -> None:
    assert "within_the_contract" in checked
    assert "win_back" not in {each.name for each in mirrored.sandbox.state.audiences.of(DEFAULTS.ad_account_id)}


@pytest.fixture(scope="module")
def guarded(mirrored: Place) -> str:
    """What the run says that the guard of the page on extending holds back."""
    project = mirrored.project
    (code,), (connection, audience) = code_on("extend.md", "A guard", "python"), code_on("extend.md", "A guard", "yaml")
    project.write("guards.py", code)
    project.write("defs/spotify/defs.yaml", connection)
    project.write("defs/audiences/people/defs.yaml", audience)
    project.fill_table("crm.people")
    return project.launch("people", fails=True)


@pytest.mark.browser
@pytest.mark.skipif(not CHROMIUM.exists(), reason=f"no Chromium at {CHROMIUM}")
@pytest.mark.usefixtures("segmented", "checked", "guarded")
def test_each_is_seen_in_the_dagster_ui(mirrored: Place) -> None:
    """What the guard, the check and the function of the project led to, on the pages of their assets."""
    from playwright.sync_api import expect, sync_playwright

    with dagster_ui(mirrored.project) as url, sync_playwright() as running:
        browser = running.chromium.launch(
            executable_path=str(CHROMIUM),
            args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-quic", "--no-first-run"],
        )
        page = browser.new_page(viewport={"width": 1600, "height": 1000})
        for asset, shown in {
            "people/customer_list?view=checks&checkDetail=guards": "agreed size",
            "win_back/customer_list?view=checks&checkDetail=within_the_contract": "40 rows, at most 10",
            "vips/identifiers?view=lineage": "vips",
        }.items():
            page.goto(f"{url}/assets/{asset}", timeout=PATIENCE)
            expect(page.get_by_text(shown).first).to_be_visible(timeout=PATIENCE)
        browser.close()


def test_a_guard_of_the_project_holds_a_list_back_until_it_is_approved(mirrored: Place, guarded: str) -> None:
    project = mirrored.project
    assert "5 were agreed" in guarded
    assert "People" not in {each.name for each in mirrored.sandbox.state.audiences.of(DEFAULTS.ad_account_id)}
    (command,) = set(re.findall(r"spotify-pipeline (approve people --file-digest [0-9a-f]+)", guarded))
    project("spotify-pipeline", *command.split(), "--reason", "The agency agreed")
    project.launch("people")
    assert digests_at_spotify(mirrored.sandbox, name="People") == EVERYBODY


WRITTEN = """
import pyarrow as pa

from my_brand.warehouse import ParquetFolder
from spotify_pipeline.warehouse import Relation

people = pa.table({"email": [f"person{n}@example.com" for n in range(20)], "agreed": [True] * 20})
ParquetFolder(folder="lake").append(Relation(("crm", "people")), people.schema, people.to_batches())
"""


def test_a_second_project_of_the_instance_has_a_warehouse_of_its_own(mirrored: Place) -> None:
    """A warehouse class, in a second code location: nothing of the two collides."""
    mine = mirrored.project
    brand = OwnProject.create(mine.bin, mirrored.folder, "my-brand")
    brand("spotify-pipeline", "init")
    brand.set_env(mirrored.sandbox, dagster_home=mine.root / ".dagster_home")
    (brand.defs / "audiences" / "customers" / "defs.yaml").unlink()
    heading = "A warehouse"
    (code,), (yaml,) = code_on("extend.md", heading, "python"), code_on("extend.md", heading, "yaml")
    brand.write("warehouse.py", code)
    brand.write(
        "defs/spotify/defs.yaml", yaml.replace("my_project", "my_brand").replace("/data/lake", str(brand.root / "lake"))
    )
    brand("python", "-c", WRITTEN)
    brand.add_audience("readers", segment="table: crm.people, consent_column: agreed", name="Readers")

    brand.launch("readers")
    assert len(digests_at_spotify(mirrored.sandbox, name="Readers")) == 20

    ours, theirs = (json.loads(each("dg", "list", "defs", "--json")) for each in (mine, brand))
    shared = {each["asset_key"] for each in ours["assets"]} & {each["asset_key"] for each in theirs["assets"]}
    assert shared <= {"crm/people"}  # a table that something else writes is named as in the warehouse
    for kind in ("jobs", "schedules", "sensors", "resources"):
        assert all(each["name"].startswith("spotify_") for each in theirs[kind]), kind
