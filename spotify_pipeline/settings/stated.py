"""Reads the connection's YAML from a project's folder of components, without importing Dagster."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import yaml
from pydantic import ValidationError

from spotify_pipeline.settings.connection import Connection
from spotify_pipeline.settings.errors import SettingsError
from spotify_pipeline.settings.project import Project, component_file_of, component_files

COMPONENT_TYPE = "spotify_pipeline.SpotifyAds"


@dataclass(frozen=True)
class StatedConnection:
    """The connection as a project's YAML states it, or all defaults.

    Attributes:
        connection: its settings.
        file: the YAML; None where the project states no connection.
        lines: the line of each setting that the YAML states.
    """

    connection: Connection = field(default_factory=Connection)
    file: Path | None = None
    lines: Mapping[str, int] = field(default_factory=dict[str, int])

    @classmethod
    def find(cls, project: Project) -> StatedConnection:
        """The one connection of a project.

        Raises:
            SettingsError: a setting is wrong, with file and line; or two files state a connection.
        """
        folder = project.defs
        if folder is None or not folder.is_dir():
            return cls()
        found = [stated for file in component_files(folder) if _is_read(file, folder) for stated in _stated_in(file)]
        if len(found) > 1:
            places = " and ".join(f"{file}:{node.start_mark.line + 1}" for file, node in found)
            raise SettingsError(
                f"Two components of type {COMPONENT_TYPE} are in this project, in {places}. A project has one "
                "connection: remove one of them."
            )
        return cls.read(*found[0]) if found else cls()

    @classmethod
    def read(cls, file: Path, document: yaml.Node | None = None) -> StatedConnection:
        """The connection of one YAML file.

        Raises:
            SettingsError: there is none, or a setting is wrong, with file and line.
        """
        if document is None:
            found = list(_stated_in(file))
            if not found:
                raise SettingsError(f"{file} states no component of type {COMPONENT_TYPE}.")
            _, document = found[0]
        attributes = _entries(document).get("attributes")
        lines = {name: node.start_mark.line + 1 for name, node in _entries(attributes).items()}
        stated = cast("object", yaml.SafeLoader("").construct_document(attributes)) if attributes is not None else None
        try:
            return cls(Connection.model_validate(stated or {}), file, lines)
        except ValidationError as error:
            first = error.errors()[0]
            name, *rest = map(str, first["loc"] or ("",))
            line = lines.get(name, document.start_mark.line + 1)
            path = ".".join(["attributes", *([name] if name else []), *rest])
            raise SettingsError(f"{file}:{line} {path}: {first['msg'].removeprefix('Value error, ')}") from None


def _is_read(file: Path, folder: Path) -> bool:
    """Whether Dagster reads the file; what it passes over, the definitions refuse when they load."""
    hidden = any(part.startswith(".") for part in file.parent.relative_to(folder).parts)
    return not hidden and file == component_file_of(file.parent)


def _stated_in(file: Path) -> Iterator[tuple[Path, yaml.Node]]:
    """The connections of one file. What is no YAML is passed over: Dagster says so itself."""
    try:
        text = file.read_text(encoding="utf-8")
        documents = cast("list[yaml.Node]", list(cast("Any", yaml.compose_all(text, Loader=yaml.SafeLoader))))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return
    for document in documents:
        kind = _entries(document).get("type")
        if isinstance(kind, yaml.ScalarNode) and kind.value == COMPONENT_TYPE:
            yield file, document


def _entries(node: yaml.Node | None) -> dict[str, yaml.Node]:
    if not isinstance(node, yaml.MappingNode):
        return {}
    pairs = cast("list[tuple[yaml.Node, yaml.Node]]", node.value)
    return {str(key.value): value for key, value in pairs}
