"""The counts are right for a made-up package whose ways are known."""

from __future__ import annotations

from pathlib import Path

import pytest

from spotify_pipeline_tests.architecture.import_chain import (
    PACKAGE,
    STAGES,
    TESTS,
    House,
    NotFoundError,
    chain,
    longest_way,
    main,
    reachable,
    shortest_way,
)

# audience -> asset -> mirror -> client <-> loop -> upload, and a short cut by way of a package's exported name.
FILES = {
    "__init__.py": "",
    "yaml/audience.py": """
        import typing
        from spotify_pipeline.yaml import asset
        from spotify_pipeline.ads import Client
        if typing.TYPE_CHECKING:
            from spotify_pipeline.yaml.types_only import Nothing
        class CustomerListAudience: ...
        class AudienceConfig: ...
        """,
    "yaml/__init__.py": "",
    "yaml/asset.py": "def run():\n    from spotify_pipeline.mirror import Mirror\n",
    "yaml/types_only.py": "from spotify_pipeline.ads.upload import ResumableUpload\nclass Nothing: ...\n",
    "mirror.py": """
        import spotify_pipeline.ads.client
        class Mirror: ...
        class SegmentReader: ...
        class ListWriter: ...
        """,
    "ads/__init__.py": """
        from spotify_pipeline.ads.client import Client
        from spotify_pipeline.ads.upload import ResumableUpload as ResumableUpload
        from spotify_pipeline.ads.aside import Aside
        """,
    "ads/client.py": """
        from spotify_pipeline.ads.loop import loop
        from spotify_pipeline.ads.aside import Aside
        class Client: ...
        """,
    "ads/loop.py": """
        from spotify_pipeline.ads import Client, ResumableUpload
        def loop(): ...
        def decide(): ...
        """,
    "ads/upload.py": "class ResumableUpload: ...\n",
    "ads/aside.py": "class Aside: ...\n",
    "unused.py": "from spotify_pipeline.yaml.audience import AudienceConfig\n",
}
AUDIENCE, UPLOAD = f"{PACKAGE}.yaml.audience", f"{PACKAGE}.ads.upload"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A checkout that holds the package."""
    for name, text in FILES.items():
        file = tmp_path / PACKAGE / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("\n".join(line.removeprefix("        ") for line in text.split("\n")))
    (tmp_path / TESTS).mkdir()
    (tmp_path / TESTS / "test_all.py").write_text("def test(): ...\n")
    return tmp_path


def short(names: set[str] | list[str]) -> list[str]:
    return sorted(name.removeprefix(f"{PACKAGE}.") for name in names)


def test_a_name_is_followed_to_the_module_that_defines_it(root: Path) -> None:
    graph = House.read(root).graph()
    assert short(graph[AUDIENCE]) == ["ads.client", "yaml.asset"]
    assert short(graph[f"{PACKAGE}.ads.loop"]) == ["ads.client", "ads.upload"]
    assert short(graph[f"{PACKAGE}.yaml.asset"]) == ["mirror"]


def test_the_chain_is_every_module_on_a_way(root: Path) -> None:
    house = House.read(root)
    graph = house.graph()
    start, end = house.defining(["CustomerListAudience"]), house.defining(["NoSuchName", "ResumableUpload"])
    assert (start, end) == (AUDIENCE, UPLOAD)
    between = chain(graph, start, end)
    assert short(between) == ["ads.client", "ads.loop", "ads.upload", "mirror", "yaml.asset", "yaml.audience"]
    assert short(reachable(graph, start) - between) == ["ads.aside"]
    assert shortest_way(graph, start, end) == [
        f"{PACKAGE}.{name}" for name in ("yaml.audience", "ads.client", "ads.loop", "ads.upload")
    ]
    # audience, asset, mirror, the circle of client and loop, upload
    assert longest_way(graph, between) == 5
    assert shortest_way(graph, end, start) == []


def test_a_name_that_two_modules_define_is_no_end(root: Path) -> None:
    (root / PACKAGE / "again.py").write_text("class ResumableUpload: ...\n")
    with pytest.raises(NotFoundError, match="No single module defines ResumableUpload"):
        House.read(root).defining(["ResumableUpload"])


def test_the_counts_are_printed(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--root", str(root), "--modules"]) == 0
    printed = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [PACKAGE + ".ads", "4", "14"] in printed
    assert ["all", "of", PACKAGE, "9", str(sum(House.read(root).lines.values()))] in printed
    assert ["all", "of", TESTS, "1", "1"] in printed
    assert ["all", "of", "the", "chain", "6"] in printed
    assert ["reachable", "7"] in printed
    assert [UPLOAD] in printed


def test_a_missing_stage_is_named(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / PACKAGE / "mirror.py").write_text("")
    assert main(["--root", str(root)]) == 2
    assert f"No single module defines {STAGES['reading the segment'][0]}." in capsys.readouterr().err


@pytest.mark.e2e
def test_the_stages_are_found_in_this_checkout() -> None:
    assert main([]) == 0
