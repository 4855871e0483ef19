"""`spotify-pipeline init` in a Dagster project: what it writes, and what it leaves alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from spotify_pipeline.cli.errors import CommandError
from spotify_pipeline.cli.init import init
from spotify_pipeline.settings import DEFAULT_VARIABLES, SECRETS, Project, StatedConnection

PROJECT = '[tool.dg]\ndirectory_type = "project"\n\n[tool.dg.project]\nroot_module = "my_shop"\n'


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    (tmp_path / "src" / "my_shop" / "defs").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    return tmp_path


def files(root: Path) -> dict[str, str]:
    return {str(file.relative_to(root)): file.read_text() for file in root.rglob("*") if file.is_file()}


def test_a_project_gets_what_it_needs(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    init()
    assert set(files(root)) == {
        "pyproject.toml",
        "src/my_shop/defs/spotify/defs.yaml",
        "src/my_shop/defs/audiences/customers/defs.yaml",
        ".env.example",
        ".spotify_pipeline/.gitignore",
        ".dagster_home/.gitignore",
        ".dagster_home/dagster.yaml",
    }
    said = capsys.readouterr().out
    assert said.count("wrote") == 6
    assert f"DAGSTER_HOME={root / '.dagster_home'}" in said
    assert StatedConnection.find(Project.find(root)).file == root / "src/my_shop/defs/spotify/defs.yaml"


def test_every_setting_is_in_the_example_and_in_the_connection(root: Path) -> None:
    init()
    example, yaml = (root / ".env.example").read_text(), (root / "src/my_shop/defs/spotify/defs.yaml").read_text()
    for setting, variable in DEFAULT_VARIABLES.items():
        assert f"\n# {variable}=\n" in example
        assert f"#   {setting}: {{env: {variable}}}{'  # a secret' if setting in SECRETS else ''}\n" in yaml
    # Uncommented it states what it stated before.
    file = root / "src/my_shop/defs/spotify/defs.yaml"
    file.write_text(yaml.replace("\n#   ", "\n  ").replace("# attributes", "attributes"))
    assert StatedConnection.read(file).connection == StatedConnection().connection


def test_nothing_is_overwritten(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / ".env.example").write_text("MINE=1\n")
    elsewhere = root / "src/my_shop/defs/all.d/defs.yaml"
    elsewhere.parent.mkdir()
    elsewhere.write_text("type: spotify_pipeline.SpotifyAds\n---\ntype: spotify_pipeline.CustomerListAudience\n")
    init()
    assert (root / ".env.example").read_text() == "MINE=1\n"
    assert not (root / "src/my_shop/defs/spotify").exists()
    assert not (root / "src/my_shop/defs/audiences").exists()
    before = files(root)
    init()
    assert files(root) == before
    assert "wrote" not in capsys.readouterr().out.split("Next:")[-2]


def test_an_instance_of_ones_own_is_left_alone(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", "/somewhere")
    init()
    assert not (root / ".dagster_home").exists()
    assert "Compare /somewhere/dagster.yaml" in capsys.readouterr().out


def test_without_a_project_it_says_how_to_create_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CommandError, match="create-dagster project NAME"):
        init()
    assert not list(tmp_path.iterdir())
