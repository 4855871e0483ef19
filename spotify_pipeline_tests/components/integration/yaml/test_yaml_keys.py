"""What would be passed over without a word is refused: a key given twice, and a file where Dagster reads none."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from spotify_pipeline.cli.project import innermost_mistake
from spotify_pipeline.components.yaml.errors import AudienceConfigError
from spotify_pipeline.components.yaml.keys import refuse_repeated_keys, refuse_unread_files
from spotify_pipeline_tests.components.conftest import GOOD, WAREHOUSE
from spotify_pipeline_tests.components.feeds import FEED
from spotify_pipeline_tests.components.runs import definitions_of

LIST = """
type: spotify_pipeline.SuppressionList
attributes:
  segment: {table: crm.gone}
  segment: {table: crm.gone_too}
  identifiers: {email: email}
"""
WEB = """
type: spotify_pipeline.WebEventAudience
attributes:
  name: Buyers
  name: Payers
"""


def doubled(text: str, line: str) -> str:
    return text.replace(line, f"{line}\n{line}", 1)


@pytest.mark.parametrize(
    ("content", "lines", "path"),
    [
        pytest.param(doubled(GOOD, "  name: Lapsed subscribers"), (3, 4), "attributes.name", id="audience"),
        pytest.param(
            doubled(GOOD, "    consent_column: marketing_consent"),
            (6, 7),
            "attributes.segment.consent_column",
            id="nested",
        ),
        pytest.param(
            GOOD.replace("default_region: SE", "default_region: SE, default_region: US"),
            (9, 9),
            "attributes.identifiers.phone.default_region",
            id="inside braces",
        ),
        pytest.param(f"{GOOD}type: spotify_pipeline.SuppressionList\n", (1, 12), "type", id="type"),
        pytest.param(f"{GOOD}attributes: {{}}\n", (2, 12), "attributes", id="attributes"),
        pytest.param(f'{GOOD}  "name": Twice\n', (3, 12), "attributes.name", id="quoted"),
        pytest.param(
            GOOD.replace("on: monday", 'on: monday, "on": friday'), (11, 11), "attributes.cadence.on", id="on and on"
        ),
        pytest.param(
            f"{GOOD}  suppress:\n  - table: crm.gone\n    table: crm.lost\n",
            (13, 14),
            "attributes.suppress.0.table",
            id="in a list",
        ),
        pytest.param(f"{GOOD}---\n{LIST.lstrip()}", (15, 16), "attributes.segment", id="second document"),
        pytest.param(LIST, (3, 4), "attributes.segment", id="suppression list"),
        pytest.param(WEB, (3, 4), "attributes.name", id="audience that Spotify fills"),
        pytest.param(doubled(FEED, "  event_id: order_id"), (5, 6), "attributes.event_id", id="feed"),
        pytest.param(WAREHOUSE + "  project_dir: elsewhere\n", (3, 4), "attributes.project_dir", id="warehouse"),
    ],
)
def test_a_key_given_twice_is_refused_with_its_lines(
    mistake: Callable[..., str], content: str, lines: tuple[int, int], path: str
) -> None:
    said = mistake(content, folder="twice")
    assert re.search(
        rf"twice/defs\.yaml:{lines[1]} {re.escape(path)}: this key is given twice, on line {lines[0]} and here", said
    ), said


@pytest.mark.parametrize(
    "content",
    [
        GOOD,
        "a: &one {x: 1}\nb: {<<: *one, x: 2}\nc: *one\n",  # what stands beside a merge takes its place: no mistake
        "a: [{x: 1}, {x: 2}]\nb: {x: 3}\n",
        "a: &loop [*loop]\n",
        "not: [closed",
    ],
)
def test_one_key_in_each_mapping_is_none_of_its_business(tmp_path: Path, content: str) -> None:
    (tmp_path / "defs.yaml").write_text(content)
    refuse_repeated_keys(tmp_path)


@pytest.mark.parametrize("name", ["defs.yml", "component.yaml"])
def test_every_name_that_dagster_reads_is_looked_at(tmp_path: Path, name: str) -> None:
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "deep" / "er" / name).write_text("a: 1\na: 2\n")
    with pytest.raises(AudienceConfigError, match=rf"{name}:2 a: this key is given twice, on line 1 and here"):
        refuse_repeated_keys(tmp_path)


def test_a_project_with_a_connection_looks_through_its_files() -> None:
    with pytest.raises(Exception, match="people") as refused:
        definitions_of({"people": doubled(GOOD, "  name: Lapsed subscribers")})
    assert "people/defs.yaml:4 attributes.name: this key is given twice" in innermost_mistake(refused.value)


FOLDER = "type: dagster.DefsFolderComponent\n"


def files(folder: Path, contents: dict[str, str]) -> None:
    for name, content in contents.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content.lstrip())


@pytest.mark.parametrize(
    ("unread", "beside", "sentence"),
    [
        pytest.param("people/gone/defs.yaml", {"people/defs.yaml": GOOD}, "folder of another component", id="nested"),
        pytest.param("people/a/b/defs.yml", {"people/defs.yaml": GOOD}, "folder of another component", id="deeper"),
        pytest.param("gone/component.yaml", {"defs.yaml": GOOD}, "folder of another component", id="below the root's"),
        pytest.param(
            "team/people/gone/defs.yaml",
            {"team/defs.yaml": FOLDER, "team/people/defs.yaml": GOOD},
            "folder of another component",
            id="in a folder of components",
        ),
        pytest.param("gone/defs.yml", {"gone/defs.yaml": GOOD}, "only that is read", id="second file"),
        pytest.param("gone/component.yaml", {"gone/defs.yml": GOOD}, "only that is read", id="old name"),
        pytest.param(".gone/defs.yaml", {"people/defs.yaml": GOOD}, "begins with a dot", id="hidden"),
        pytest.param("team/.x/gone/defs.yaml", {}, "begins with a dot", id="below a hidden one"),
    ],
)
def test_a_file_that_dagster_would_not_read_is_refused(
    tmp_path: Path, unread: str, beside: dict[str, str], sentence: str
) -> None:
    files(tmp_path / "defs", {unread: LIST, **beside})
    with pytest.raises(AudienceConfigError) as refused:
        refuse_unread_files(tmp_path / "defs")
    assert re.search(rf"{re.escape(unread)}:1 this file is .*{sentence}", str(refused.value)), refused.value


def test_files_in_folders_of_components_are_read(tmp_path: Path) -> None:
    files(
        tmp_path, {"defs.yaml": FOLDER, "a/defs.yaml": GOOD, "b/defs.yml": FOLDER, "b/c/defs.yaml": LIST, "d/x.py": ""}
    )
    refuse_unread_files(tmp_path)
