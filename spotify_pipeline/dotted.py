"""Finds what a project names by its dotted path, such as `my_project.segments.vips`."""

from __future__ import annotations

import importlib
from typing import cast


def named(path: str) -> object:
    """What a module has under a name.

    Args:
        path: the module's dotted name, a dot, and the name.

    Raises:
        ValueError: there is no such module or name, or importing the module fails; the message says which, and
            quotes nothing that the module said.
    """
    module, _, name = path.rpartition(".")
    if not module or not all(part.isidentifier() for part in path.split(".")):
        raise ValueError(f"{path} is not a dotted path, such as my_project.segments.vips")
    try:
        found = importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise ValueError(
            f"{path}: there is no module {error.name}. Install it where Dagster runs, or correct the path"
        ) from None
    except Exception as error:  # noqa: BLE001 - whatever happens in the project's module
        raise ValueError(
            f"{path}: importing {module} fails with {type(error).__name__}. Import it in Python to see why"
        ) from None
    if not hasattr(found, name):
        raise ValueError(f"{path}: {module} has no {name}. Correct the path")
    return cast("object", getattr(found, name))
