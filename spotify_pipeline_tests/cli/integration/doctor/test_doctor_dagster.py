"""What `spotify-pipeline doctor` says of a Dagster that is not set up well."""

from __future__ import annotations

from pathlib import Path

import pytest

from spotify_pipeline.cli.doctor.check_result import CheckResult, State
from spotify_pipeline.cli.doctor.readiness import readiness


def looked_at(name: str) -> CheckResult:
    (check,) = [each for each in readiness(dict) if each.name == name]
    return check.look()


@pytest.mark.parametrize("content", ["storage: [", "run_storage: {module: no.such, class: CANARY}"])
def test_a_broken_dagster_yaml_is_said_without_quoting_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: str
) -> None:
    (tmp_path / "dagster.yaml").write_text(content)
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    found = looked_at("Dagster's pools")
    assert found.state is State.FAILED
    assert "Correct DAGSTER_HOME or its dagster.yaml." in found.sentence
    assert "CANARY" not in found.sentence


def test_a_dagster_home_that_cannot_be_looked_at_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / ("x" * 300)))
    found = looked_at("Dagster's home")
    assert found.state is State.FAILED
    assert "cannot be used (File name too long)" in found.sentence
