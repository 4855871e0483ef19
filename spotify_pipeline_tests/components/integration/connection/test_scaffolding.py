"""`dg scaffold defs` writes a connection that loads as it is."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest

from spotify_pipeline.components.connection.component import ConnectionScaffolder
from spotify_pipeline.settings import Connection, StatedConnection


def request(folder: Path, **changes: object) -> dg.ScaffoldRequest:
    stated = {"scaffold_format": "yaml", "project_root": folder.parent, "params": None, "append": False, **changes}
    return dg.ScaffoldRequest(
        type_name="spotify_pipeline.SpotifyAds",
        target_path=folder,
        **stated,  # type: ignore[arg-type]
    )


def test_what_is_scaffolded_is_a_connection_with_all_defaults(tmp_path: Path) -> None:
    ConnectionScaffolder().scaffold(request(tmp_path))
    assert StatedConnection.read(tmp_path / "defs.yaml").connection == Connection()


@pytest.mark.parametrize("changes", [{"scaffold_format": "python"}, {"append": True}])
def test_anything_but_one_yaml_file_is_refused(tmp_path: Path, changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="A connection is one YAML file in a folder of its own"):
        ConnectionScaffolder().scaffold(request(tmp_path, **changes))
    assert list(tmp_path.iterdir()) == []
