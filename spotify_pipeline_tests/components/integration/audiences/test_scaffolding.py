"""`dg scaffold defs` writes an audience that loads once its segment exists."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest

from spotify_pipeline.components.audiences.scaffolders import AudienceScaffolder


def request(folder: Path, **changes: object) -> dg.ScaffoldRequest:
    stated = {"scaffold_format": "yaml", "project_root": folder.parent, "params": None, "append": False, **changes}
    return dg.ScaffoldRequest(
        type_name="spotify_pipeline.CustomerListAudience",
        target_path=folder,
        **stated,  # type: ignore[arg-type]
    )


def test_what_is_scaffolded_loads_for_a_segment_of_that_name(
    load: Callable[..., dg.Definitions], tmp_path: Path
) -> None:
    folder = tmp_path / "lapsed_subscribers"
    folder.mkdir()
    AudienceScaffolder().scaffold(request(folder))
    definitions = load({"lapsed_subscribers": (folder / "defs.yaml").read_text()})
    key = dg.AssetKey(["lapsed_subscribers", "spotify_audience"])
    assert '"Lapsed subscribers"' in str(definitions.resolve_asset_graph().get(key).description)


@pytest.mark.parametrize("changes", [{"scaffold_format": "python"}, {"append": True}])
def test_anything_but_one_yaml_file_is_refused(tmp_path: Path, changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="An audience is one YAML file in a folder of its own"):
        AudienceScaffolder().scaffold(request(tmp_path, **changes))
    assert list(tmp_path.iterdir()) == []
