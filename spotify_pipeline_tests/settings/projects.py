"""Projects to find settings in."""

from __future__ import annotations

from pathlib import Path

from spotify_pipeline.settings import Project

PYPROJECT = """
[tool.dg]
directory_type = "project"

[tool.dg.project]
root_module = "shop"
"""


def made_project(root: Path, *, connection: str | None = None, env: str | None = None) -> Project:
    """A project as `create-dagster project` lays it out, with the attributes of a connection and a `.env`."""
    folder = root / "src" / "shop" / "defs" / "spotify"
    folder.mkdir(parents=True)
    (root / "pyproject.toml").write_text(PYPROJECT)
    if connection is not None:
        lines = "".join(f"  {line}\n" for line in connection.strip("\n").split("\n"))
        (folder / "defs.yaml").write_text(f"type: spotify_pipeline.SpotifyAds\nattributes:\n{lines}")
    if env is not None:
        (root / ".env").write_text(env)
    return Project.find(root)
