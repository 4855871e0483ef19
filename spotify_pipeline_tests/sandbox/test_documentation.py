"""The reference page and the sandbox say the same."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import get_args

from starlette.routing import Route

from spotify_pipeline.sandbox import DEFAULTS, SandboxConfig, SandboxState, create_app
from spotify_pipeline.sandbox.assumptions import ASSUMPTIONS
from spotify_pipeline.sandbox.faults.actions import After, Before, During
from spotify_pipeline.sandbox.faults.model import OPERATIONS
from spotify_pipeline.sandbox.faults.presets import PRESETS, Preset

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "sandbox.md").read_text()


def test_every_assumption_is_in_the_reference() -> None:
    rows = [f"| {one.area} | {one.behaviour} | {one.ground} |" for one in ASSUMPTIONS]
    assert [row for row in rows if row not in PAGE] == []
    assert len(ASSUMPTIONS) == len(set(ASSUMPTIONS))


def test_every_switch_and_every_default_is_in_the_reference() -> None:
    names = [field.name for field in fields(SandboxConfig)]
    values = [str(getattr(DEFAULTS, field.name)) for field in fields(DEFAULTS)]
    assert [name for name in [*names, *values] if f"`{name}`" not in PAGE] == []


def test_every_endpoint_of_the_sandboxs_own_is_in_the_reference(tmp_path: Path) -> None:
    state = SandboxState.open(directory=tmp_path)
    routes = [route for route in create_app(state).routes if isinstance(route, Route)]
    state.close()
    own = [route.path for route in routes if route.path.startswith("/sandbox")]
    assert len(own) >= 12
    assert [path for path in own if path.replace("{audience_id}", "{id}") not in PAGE] == []


def fault_row(preset: Preset) -> str:
    fault = preset.fault({})
    hits = f"`{fault.operation}`" + (f", {fault.kind}" if fault.kind != "any" else "")
    options = ", ".join(f"`{name}` ({default})" for name, default in preset.options.items())
    return f"| `{preset.name}` | {', '.join(preset.codes) or '–'} | {hits} | {preset.title} | {options or '–'} |"


def test_every_named_fault_is_in_the_reference() -> None:
    assert [row for row in map(fault_row, PRESETS.values()) if row not in PAGE] == []


def test_every_action_of_a_fault_is_in_the_reference() -> None:
    actions = {action for union in (Before, During, After) for action in get_args(get_args(union)[0])}
    assert len(actions) > 15
    rows = [f"| `{action.model_fields['do'].default}` |" for action in actions]
    assert [row for row in rows if row not in PAGE] == []


def test_faults_know_every_operation_of_spotifys(tmp_path: Path) -> None:
    state = SandboxState.open(directory=tmp_path)
    names = {route.name for route in create_app(state).routes if isinstance(route, Route)}
    state.close()
    assert {name for name in names if not name.startswith("sandbox.")} - {"page"} == OPERATIONS
