"""`dg scaffold defs` writes a feed that loads once its events exist."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest

from spotify_pipeline.components.conversions.component import FeedScaffolder
from spotify_pipeline.components.conversions.definitions import find_feeds


def request(folder: Path, **changes: object) -> dg.ScaffoldRequest:
    stated = {"scaffold_format": "yaml", "project_root": folder.parent, "params": None, "append": False, **changes}
    return dg.ScaffoldRequest(
        type_name="spotify_pipeline.ConversionFeed",
        target_path=folder,
        **stated,  # type: ignore[arg-type]
    )


def test_what_is_scaffolded_loads_for_events_of_that_name(load: Callable[..., dg.Definitions], tmp_path: Path) -> None:
    folder = tmp_path / "purchases"
    folder.mkdir()
    FeedScaffolder().scaffold(request(folder))
    text = (folder / "defs.yaml").read_text()
    (feed,) = find_feeds(load({"purchases": text.replace("dbt_model: purchases", "table: shop.purchases")}))
    assert (feed.name, str(feed.relation)) == ("purchases", "shop.purchases")


@pytest.mark.parametrize("changes", [{"scaffold_format": "python"}, {"append": True}])
def test_anything_but_one_yaml_file_is_refused(tmp_path: Path, changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="A feed is one YAML file in a folder of its own"):
        FeedScaffolder().scaffold(request(tmp_path, **changes))
    assert list(tmp_path.iterdir()) == []
