"""Dagster projects of somebody else, in a folder outside this repository."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

import dagster as dg
import pytest

from spotify_pipeline_tests.components.runs import CONNECTION, PEOPLE

PYPROJECT = """\
[tool.dg]
directory_type = "project"

[tool.dg.project]
root_module = "{name}"
"""
WITH_AUDIENCE = {"spotify/defs.yaml": CONNECTION, "audiences/people/defs.yaml": PEOPLE}


@dataclass(frozen=True)
class OtherProject:
    """A project as `create-dagster project` lays it out."""

    root: Path
    name: str

    @property
    def defs(self) -> Path:
        """The folder of its components."""
        return self.root / "src" / self.name / "defs"

    def write(self, files: dict[str, str]) -> None:
        """Files below `defs`."""
        for name, content in files.items():
            file = self.defs / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(dedent(content).lstrip(), encoding="utf-8")

    def load(self, monkeypatch: pytest.MonkeyPatch) -> dg.Definitions:
        """Its definitions, as its `definitions.py` would load them."""
        for module in [each for each in sys.modules if each.split(".")[0] == self.name]:
            monkeypatch.delitem(sys.modules, module)
        monkeypatch.syspath_prepend(self.root / "src")
        return dg.load_from_defs_folder(path_within_project=self.root)


def other_project(folder: Path, files: dict[str, str], name: str = "other_ads") -> OtherProject:
    """A project in ``folder`` with these files below its `defs`."""
    project = OtherProject(folder / name, name)
    project.defs.mkdir(parents=True)
    (project.root / "pyproject.toml").write_text(PYPROJECT.format(name=name), encoding="utf-8")
    for package in (project.defs.parent, project.defs):
        (package / "__init__.py").touch()
    project.write(files)
    return project
