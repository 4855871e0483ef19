"""Which project one is in: the answers are those of `dg`."""

from __future__ import annotations

from pathlib import Path

import pytest
from dagster_dg_core.context import DgContext

from spotify_pipeline.settings import Project, SettingsError
from spotify_pipeline_tests.settings.projects import PYPROJECT, made_project

WORKSPACE = '[tool.dg]\ndirectory_type = "workspace"\n[[tool.dg.workspace.projects]]\npath = "shop"\n'


@pytest.mark.parametrize("below", ["", "src", "src/shop/defs/spotify"])
def test_a_project_is_found_from_everywhere_in_it(tmp_path: Path, below: str):
    made_project(tmp_path)
    found = Project.find(tmp_path / below)
    assert found.root == tmp_path
    assert found.root_module == "shop"
    assert found.defs == tmp_path / "src" / "shop" / "defs"
    assert found.definitions_module == "shop.definitions"
    assert found.env_file == tmp_path / ".env"
    assert found.default_home == tmp_path / ".spotify_pipeline"


def test_without_a_project_it_is_the_directory_itself(tmp_path: Path):
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'other'\n")
    assert Project.find(tmp_path) == Project(tmp_path)


def test_a_workspace_is_no_project(tmp_path: Path):
    (tmp_path / "pyproject.toml").write_text(WORKSPACE)
    assert Project.find(tmp_path) == Project(tmp_path)
    inside = made_project(tmp_path / "shop")
    assert inside.root == tmp_path / "shop"


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("pyproject.toml", PYPROJECT),
        ("pyproject.toml", f'{PYPROJECT}defs_module = "shop.spotify"\n'),
        ("pyproject.toml", f'{PYPROJECT}code_location_target_module = "shop.location"\n'),
        ("dg.toml", 'directory_type = "project"\n[project]\nroot_module = "shop"\n'),
    ],
)
@pytest.mark.parametrize("folder", ["src/shop/defs", "src/shop/definitions", "shop/defs", "shop"])
def test_its_folders_are_those_that_dg_finds(tmp_path: Path, file: str, text: str, folder: str):
    (tmp_path / folder).mkdir(parents=True)
    (tmp_path / file).write_text(text)
    found = Project.find(tmp_path)
    context = DgContext.from_file_discovery_and_command_line_config(tmp_path, {})
    if folder.endswith("definitions") and context._defs_path == tmp_path / "src" / "shop" / "defs":
        pytest.skip("this release of dg does not know a folder `definitions`")
    assert found.root == context.root_path
    assert found.definitions_module == context.code_location_target_module_name
    assert found.defs == context._defs_path


@pytest.mark.parametrize("text", ["[tool.dg", '[tool.dg]\ndirectory_type = "project"\n[tool.dg.project]\nx = 1\n'])
def test_a_file_that_says_nothing_of_use_is_named(tmp_path: Path, text: str):
    (tmp_path / "pyproject.toml").write_text(text)
    with pytest.raises(SettingsError, match=str(tmp_path)):
        Project.find(tmp_path)


def test_relative_paths_are_below_the_project(tmp_path: Path):
    project = Project(tmp_path)
    assert project.path("data/x") == tmp_path / "data" / "x"
    assert project.path("/data/x") == Path("/data/x")
    assert project.path("~/x") == Path.home() / "x"
