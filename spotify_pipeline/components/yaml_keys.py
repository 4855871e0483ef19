"""Refuses YAML files in which a mapping states a key twice: YAML takes the last one without a word."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import yaml

from spotify_pipeline.components.yaml_location import AudienceConfigError

COMPONENT_FILES = frozenset({"defs.yaml", "defs.yml", "component.yaml"})
"""What Dagster reads as the YAML of components."""
_MERGE = "tag:yaml.org,2002:merge"


def refuse_repeated_keys(folder: Path) -> None:
    """Look through the YAML of every component below a folder, of whatever type, before Dagster reads it.

    A file that is no YAML at all is passed over: Dagster says so itself.

    Raises:
        AudienceConfigError: a mapping at any depth has a key twice; the message names file, key and both lines.
    """
    for file in sorted(each for each in folder.rglob("*") if each.name in COMPONENT_FILES and each.is_file()):
        _refuse_in(file)


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
