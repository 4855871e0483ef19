"""Says where in a YAML file a setting stands, for mistakes that only show once definitions are put together."""

from __future__ import annotations

import re
from pathlib import Path

import dagster as dg

from spotify_pipeline.printable import printable

FOLDER_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")


class AudienceConfigError(Exception):
    """A setting of an audience's or feed's YAML is wrong; the message holds file, line and what is allowed."""


def config_error(context: dg.ComponentLoadContext, path: tuple[str | int, ...], problem: str) -> AudienceConfigError:
    """``problem``, prefixed with the file and line of the setting at ``path`` below ``attributes``."""
    dotted, problem = ".".join(["attributes", *map(str, path)]), printable(problem, lines=True)
    tree = context.resolution_context.source_position_tree
    if tree is None:
        return AudienceConfigError(f"{dotted}: {problem}")
    position, _ = tree.lookup_closest_and_path(["attributes", *path], None)
    return AudienceConfigError(f"{position.filename}:{position.start.line} {dotted}: {problem}")


def folder_of(context: dg.ComponentLoadContext) -> Path:
    """The folder that a component's file is in, whatever is in its name."""
    return context.path.parent if context.path.is_file() else context.path


def named_by_folder(context: dg.ComponentLoadContext, what: str) -> str:
    """The name of the folder that a component's file is in: the identity of an audience, feed or list.

    Args:
        context: of the component.
        what: it is, with its article, such as "an audience".

    Raises:
        AudienceConfigError: it cannot serve.
    """
    folder = folder_of(context).name
    if not FOLDER_NAME.fullmatch(folder):
        raise config_error(
            context,
            (),
            f"the folder is called {folder!r}; {what}'s folder is named with up to 63 small letters, digits and "
            f"underscores, beginning with a letter, because its name is the {what.split()[-1]}'s identity",
        )
    return folder
