"""Refuses what would be passed over without a word: a key that a mapping states twice, of which YAML takes the last
one, and a file in a place where Dagster reads none.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import yaml

from spotify_pipeline.components.yaml.errors import AudienceConfigError
from spotify_pipeline.settings import component_file_of, component_files

_READS_ITS_FOLDERS = "DefsFolderComponent"
_MERGE = "tag:yaml.org,2002:merge"


def refuse_repeated_keys(folder: Path) -> None:
    """Look through the YAML of every component below a folder, of whatever type, before Dagster reads it.

    A file that is no YAML at all is passed over: Dagster says so itself.

    Raises:
        AudienceConfigError: a mapping at any depth has a key twice; the message names file, key and both lines.
    """
    for file in component_files(folder):
        _refuse_in(file)


def refuse_unread_files(folder: Path) -> None:
    """Refuse the YAML of components below a folder that Dagster would not read: nobody would be kept out by its list.

    Raises:
        AudienceConfigError: it is in a hidden folder, in the folder of another component, or beside another file.
    """
    for file in component_files(folder):
        parents = [folder / each for each in file.parent.relative_to(folder).parents]
        owner = next(
            (each for each in map(component_file_of, parents) if each is not None and not _reads_folders(each)), None
        )
        if any(part.startswith(".") for part in file.parent.relative_to(folder).parts):
            why = "in a folder whose name begins with a dot, and such folders are not read. Rename the folder"
        elif owner is not None:
            why = (
                f"inside the folder of another component, {owner}, and not read there. Move its folder beside that one"
            )
        elif file != component_file_of(file.parent):
            why = f"beside {component_file_of(file.parent)}, and only that is read. Give it a folder of its own"
        else:
            continue
        raise AudienceConfigError(f"{file}:1 this file is {why}, or take it out of {folder}.")


def _reads_folders(file: Path) -> bool:
    """Whether a component's file is that of a folder of components; one that cannot be read is Dagster's to refuse."""
    try:
        documents = cast("list[object]", list(yaml.safe_load_all(file.read_text(encoding="utf-8"))))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return True
    mappings = [cast("dict[str, object]", each) if isinstance(each, dict) else {} for each in documents]
    return all(str(each.get("type")).rpartition(".")[2] == _READS_ITS_FOLDERS for each in mappings)


def _refuse_in(file: Path) -> None:
    try:
        loader = yaml.SafeLoader(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return
    try:
        while loader.check_node():
            for first, again, path in _repeated(loader, cast("yaml.Node", loader.get_node()), (), set()):
                line, before = again.start_mark.line + 1, first.start_mark.line + 1
                raise AudienceConfigError(
                    f"{file}:{line} {'.'.join(path)}: this key is given twice, on line {before} and here. YAML would "
                    "take the last one without a word. Remove one of them."
                )
    except yaml.YAMLError:
        return
    finally:
        loader.dispose()


def _repeated(
    loader: yaml.SafeLoader, node: yaml.Node, path: tuple[str, ...], seen: set[int]
) -> Iterator[tuple[yaml.Node, yaml.Node, tuple[str, ...]]]:
    """Every key that repeats one before it in its mapping: both, and the path to it. An alias is looked at once."""
    if id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        for index, each in enumerate(cast("list[yaml.Node]", node.value)):
            yield from _repeated(loader, each, (*path, str(index)), seen)
    elif isinstance(node, yaml.MappingNode):
        keys: dict[object, yaml.Node] = {}
        for key, value in cast("list[tuple[yaml.Node, yaml.Node]]", node.value):
            here = (*path, str(key.value))
            if isinstance(key, yaml.ScalarNode) and key.tag != _MERGE:
                name = _meaning(loader, key)
                if name in keys:
                    yield keys[name], key, here
                keys[name] = key
            yield from _repeated(loader, value, here, seen)


def _meaning(loader: yaml.SafeLoader, key: yaml.ScalarNode) -> object:
    """What a key is read as: `a` and `"a"` are one key. So are `on` and `"on"`, for YAML reads a bare `on` as true."""
    read = cast("object", loader.construct_object(key))
    return "on" if read is True else read
