"""A type of identifier that another distribution adds: the class of docs/how-to/extend.md, installed and used."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from spotify_pipeline_tests.components.runs import change_people
from spotify_pipeline_tests.how_to import code_on


def installed(folder: Path, code: str, entry_points: str) -> dict[str, str]:
    """The environment of a process in which a distribution of this one module is installed."""
    package = folder / "my_project"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "loyalty.py").write_text(code, encoding="utf-8")
    metadata = folder / "my_project-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: my-project\nVersion: 1.0\n", encoding="utf-8")
    (metadata / "entry_points.txt").write_text(entry_points, encoding="utf-8")
    return {**os.environ, "PYTHONPATH": str(folder)}


def python(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    root = Path(__file__).parents[4]
    return subprocess.run(
        [sys.executable, *arguments], cwd=root, env=environment, capture_output=True, text=True, check=False
    )


def documented() -> tuple[str, str]:
    """The class of the page, and its entry point as an installer writes it."""
    (code,) = code_on("extend.md", "An identifier type", "python")
    (stated,) = code_on("extend.md", "An identifier type", "toml")
    ((heading, named),) = tomllib.loads(stated)["project"]["entry-points"].items()
    lines = [f"[{heading}]", *(f"{name} = {where}" for name, where in named.items())]
    return code, "\n".join(lines) + "\n"


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.e2e
def test_a_type_of_another_distribution_goes_the_whole_way(tmp_path: Path, environment: Path) -> None:
    change_people(environment, "ALTER TABLE crm.people ADD COLUMN card VARCHAR")
    change_people(environment, "ALTER TABLE crm.people ADD COLUMN shop VARCHAR")
    change_people(
        environment,
        "UPDATE crm.people SET shop = 'se', card = printf('%06d', split_part(email, '@', 1)[7:]::INT)",
    )
    change_people(environment, "CREATE TABLE crm.never AS SELECT 'SE-000003' AS card")
    ran = python(installed(tmp_path / "site", *documented()), "-m", "spotify_pipeline_tests.components.loyalty_journey")
    assert ran.returncode == 0, ran.stderr[-4000:]
    told = json.loads(ran.stdout.splitlines()[-1])

    assert told["digest"] == f"digest\t{sha('SE000001')}\nrejected\tinvalid\n"
    assert told["built"]
    assert told["list"][0] == "EMAIL_ID_SHA256,LOYALTY_ID_SHA256"
    # 30 of the 40 agreed; person 3, who did, is on the list of suppressions by the card alone.
    assert len(told["list"]) == 1 + 29
    assert f"{sha('person2@example.com')},{sha('SE000002')}" in told["list"]
    assert sha("person3@example.com") not in "".join(told["list"])
    assert [line.split()[:3] for line in told["explain"] if line.split()[:1] in (["1"], ["2"])] == [
        ["1", "loyalty_id", "people"],
        ["1", "loyalty_id", "people"],
        ["2", "loyalty_id", "people"],
        ["2", "loyalty_id", "people"],
    ]
    assert "1 identifier, kept out of every list from now on." in "".join(told["forget"])
    assert set(told["list"]) - set(told["list after"]) == {f"{sha('person2@example.com')},{sha('SE000002')}"}
    cards = [sha("SE000004"), sha("NO000005")]
    assert told["event"] == {
        "state": "pending",
        "reason": None,
        "user": {"hashed_loyalty_ids": cards},
        "held": [[1, "loyalty_id", card] for card in cards],
    }
    assert (told["own card in an id"]["state"], told["own card in an id"]["reason"]) == ("dead", "event_id_unusable")


@pytest.mark.e2e
def test_a_token_that_is_taken_fails_when_definitions_load_and_names_both_classes(tmp_path: Path) -> None:
    code, entry_points = documented()
    environment = installed(tmp_path, code.replace("LOYALTY_ID_SHA256", "PHONE_NUMBER_SHA256"), entry_points)
    ran = python(environment, "-c", "import spotify_pipeline.components")
    assert ran.returncode == 1
    assert ran.stderr.splitlines()[-1].endswith(
        "The identifier types spotify_pipeline.identity.phone.Phone and my_project.loyalty.LoyaltyId have the same "
        "token, PHONE_NUMBER_SHA256. Rename it in one of them, or uninstall the distribution that adds it."
    )
