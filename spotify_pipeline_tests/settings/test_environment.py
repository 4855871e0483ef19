"""The shell's variables and those of `.env`, in Dagster's order."""

from __future__ import annotations

from pathlib import Path

import pytest
from dagster._core.secrets.env_file import get_env_var_dict
from hypothesis import given
from hypothesis import strategies as st

from spotify_pipeline.settings import Environment, SettingsError
from spotify_pipeline.settings.environment import started_with

ACCOUNT = "SPOTIFY_AD_ACCOUNT_ID"


def test_the_file_goes_before_the_shell_and_each_says_where_it_is_from(tmp_path: Path):
    (tmp_path / ".env").write_text(f"{ACCOUNT}= of-the-file \nEMPTY=\nexport QUOTED='a b'\nNOTHING\n")
    shell = {ACCOUNT: "of-the-file", "OTHER": " of-the-shell ", "EMPTY": "full", "NOTHING": "kept"}
    found = Environment.read(tmp_path / ".env", shell)
    assert {name: found.get(name) for name in (ACCOUNT, "OTHER", "EMPTY", "QUOTED", "NOTHING", "NOWHERE")} == {
        ACCOUNT: "of-the-file",
        "OTHER": "of-the-shell",
        "EMPTY": None,
        "QUOTED": "a b",
        "NOTHING": "kept",
        "NOWHERE": None,
    }
    assert found.origin(ACCOUNT) == str(tmp_path / ".env")
    assert found.origin("OTHER") == "the shell"


NAMES = st.sampled_from(["A", "B", "C"])
VALUES = st.sampled_from(["", "1", "two words", "${A}", "'quoted # text'", "x # comment"])


@given(lines=st.lists(st.tuples(NAMES, VALUES)), shell=st.dictionaries(NAMES, VALUES))
def test_the_order_is_dagsters(
    tmp_path_factory: pytest.TempPathFactory, lines: list[tuple[str, str]], shell: dict[str, str]
):
    folder = tmp_path_factory.mktemp("env")
    (folder / ".env").write_text("".join(f"{name}={value}\n" for name, value in lines))
    assert Environment.read(folder / ".env", shell).merged() == {**shell, **get_env_var_dict(str(folder))}


@pytest.mark.parametrize(("shell", "file"), [("a", "b"), ("a", ""), ("a", " 'b' ")])
def test_s08_one_that_differs_is_refused_with_both_places_and_no_value(tmp_path: Path, shell: str, file: str):
    (tmp_path / ".env").write_text(f"{ACCOUNT}={file}\n")
    found = Environment.read(tmp_path / ".env", {ACCOUNT: shell, "OTHER": "x"})
    with pytest.raises(SettingsError) as caught:
        found.refuse_differences({ACCOUNT, "OTHER"})
    assert str(caught.value) == (
        f"The shell and {tmp_path / '.env'} set {ACCOUNT} to different values. Dagster takes what the file says, so "
        "nothing was started. Set each in one place: unset it in the shell, or remove its line from the file. If you "
        "changed the file, restart Dagster."
    )


@pytest.mark.parametrize("shell", [{}, {ACCOUNT: ""}, {ACCOUNT: " a "}])
def test_the_same_or_none_is_no_difference(tmp_path: Path, shell: dict[str, str]):
    (tmp_path / ".env").write_text(f"{ACCOUNT}=a\n")
    Environment.read(tmp_path / ".env", shell).refuse_differences({ACCOUNT})


def test_the_demo_passes_over_the_file(tmp_path: Path):
    (tmp_path / ".env").write_text(f"{ACCOUNT}=a\n")
    found = Environment.read(tmp_path / ".env", {ACCOUNT: "b", "SPOTIFY_PIPELINE_NO_ENV_FILE": "1"})
    found.refuse_differences({ACCOUNT})
    assert found.get(ACCOUNT) == "b"


def test_a_file_that_is_no_text_is_named_and_not_shown(tmp_path: Path):
    (tmp_path / ".env").write_bytes(b"SECRET=\xffhunter2\n")
    with pytest.raises(SettingsError, match=r"\.env cannot be read \(UnicodeDecodeError\)"):
        Environment.read(tmp_path / ".env", {})


def test_o16_no_textual_form_shows_a_value():
    assert "hunter2" not in repr(Environment({"A": "hunter2"}, {"A": "hunter2"}))


def process(folder: Path, number: str, parent: str, command: str, environ: str) -> None:
    (folder / number).mkdir()
    (folder / number / "stat").write_text(f"{number} (a ) name) S {parent} 1 1")
    (folder / number / "cmdline").write_text(command.replace(" ", "\0"))
    (folder / number / "environ").write_text(environ)


def test_what_the_shell_said_is_found_above_the_processes_of_dagster(tmp_path: Path):
    process(tmp_path, "self", "30", "python -m dagster api execute_run", f"{ACCOUNT}=file\0")
    process(tmp_path, "30", "20", "python -m dagster code-server start", f"{ACCOUNT}=file\0")
    process(tmp_path, "20", "10", "python /venv/bin/dg dev", f"{ACCOUNT}=shell\0A=b=c\0")
    process(tmp_path, "10", "1", "bash", f"{ACCOUNT}=before\0")
    assert started_with({ACCOUNT: "file"}, tmp_path) == {ACCOUNT: "shell", "A": "b=c"}


def test_where_nothing_is_known_of_processes_it_is_what_the_process_has(tmp_path: Path):
    assert started_with({ACCOUNT: "file"}, tmp_path) == {ACCOUNT: "file"}
