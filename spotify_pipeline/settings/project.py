"""Finds the Dagster project that one is in, as `dg` does, without importing Dagster."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dagster_shared.utils.config import discover_config_file, get_canonical_defs_module_name
from tomlkit.exceptions import TOMLKitError

from spotify_pipeline.home import DEFAULT_HOME
from spotify_pipeline.settings.errors import SettingsError

COMPONENT_FILES = ("defs.yaml", "defs.yml", "component.yaml")
"""What Dagster reads as the YAML of components: of one folder the first that is there."""
_OTHER_DEFS = "definitions"
"""The folder that `dg` takes where there is no `defs`."""


@dataclass(frozen=True)
class Project:
    """A Dagster project, or a directory without one.

    Attributes:
        root: where its `dg.toml` or `pyproject.toml` is, else the directory that was asked about.
        root_module: the Python package with its definitions; None where there is no project.
        defs: the folder of its components' YAML; None where there is no project.
        definitions_module: the module that Dagster loads; None where there is no project.
    """

    root: Path
    root_module: str | None = None
    defs: Path | None = None
    definitions_module: str | None = None

    @classmethod
    def find(cls, start: Path) -> Project:
        """The project that the directory ``start`` is in: its own `dg.toml` or `pyproject.toml`, or the nearest above.

        Raises:
            SettingsError: such a file cannot be read, or names no root module.
        """
        start = start.absolute()
        seen: list[Mapping[str, Any]] = []

        def is_project(dg: Mapping[str, Any]) -> bool:
            seen.append(dg)
            # Without a type `dg` takes a file for a project's, too, if it says what the project is.
            return dg.get("directory_type", "project") == "project" and isinstance(dg.get("project"), Mapping)

        try:
            file = discover_config_file(start, is_project)
        except (OSError, UnicodeDecodeError, TOMLKitError) as error:
            # Which file it was, the library does not say.
            raise SettingsError(
                f"A dg.toml or pyproject.toml in {start} or above it cannot be read ({type(error).__name__}). Correct "
                "it: `dg check toml` says what is wrong."
            ) from None
        if file is None:
            return cls(start)
        stated = seen[-1]["project"]
        root_module = stated.get("root_module")
        if not isinstance(root_module, str):
            raise SettingsError(
                f"{file} names no root module. Add root_module, the Python package of your definitions, where "
                "[tool.dg.project] says what the project is (of dg.toml: [project])."
            )
        return cls(
            file.parent,
            root_module,
            _defs_folder(file.parent, root_module, stated.get("defs_module")),
            stated.get("code_location_target_module") or f"{root_module}.definitions",
        )

    @property
    def source(self) -> Path:
        """The directory that the root module is in, as `dg` finds it: `src` where there is one, else the root."""
        return _source(self.root)

    @property
    def env_file(self) -> Path:
        """The project's file of environment variables, whether it exists or not."""
        return self.root / ".env"

    @property
    def default_home(self) -> Path:
        """Where lists, tokens and journal are unless somebody says otherwise."""
        return self.root / DEFAULT_HOME

    def path(self, named: str) -> Path:
        """An absolute path; a relative one is below the project, wherever a process runs."""
        try:
            return self.root / Path(named).expanduser()
        except RuntimeError:  # `~user` of an unknown user: the file does not exist either
            return self.root / named


def component_files(folder: Path) -> list[Path]:
    """The YAML files of components below a folder, also those that Dagster passes over."""
    return sorted(each for each in folder.rglob("*") if each.name in COMPONENT_FILES and each.is_file())


def component_file_of(folder: Path) -> Path | None:
    """The file that Dagster reads of one folder."""
    return next((folder / name for name in COMPONENT_FILES if (folder / name).is_file()), None)


def _source(root: Path) -> Path:
    return root / "src" if (root / "src").exists() else root


def _defs_folder(root: Path, root_module: str, named: str | None) -> Path:
    def folder(module: str) -> Path:
        return _source(root).joinpath(*module.split("."))

    found = folder(get_canonical_defs_module_name(named, root_module))
    other = folder(f"{root_module}.{_OTHER_DEFS}")
    return other if named is None and not found.exists() and other.is_dir() else found
