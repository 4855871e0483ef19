"""Says where in a YAML file a setting stands, for mistakes that only show once definitions are put together."""

from __future__ import annotations

import dagster as dg


class AudienceConfigError(Exception):
    """A setting of an audience's or feed's YAML is wrong; the message holds file, line and what is allowed."""


def config_error(context: dg.ComponentLoadContext, path: tuple[str | int, ...], problem: str) -> AudienceConfigError:
    """``problem``, prefixed with the file and line of the setting at ``path`` below ``attributes``."""
    dotted = ".".join(["attributes", *map(str, path)])
    tree = context.resolution_context.source_position_tree
    if tree is None:
        return AudienceConfigError(f"{dotted}: {problem}")
    position, _ = tree.lookup_closest_and_path(["attributes", *path], None)
    return AudienceConfigError(f"{position.filename}:{position.start.line} {dotted}: {problem}")
