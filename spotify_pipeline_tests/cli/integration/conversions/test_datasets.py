"""Data sets, connections and tokens, set up from the command line against a local Spotify."""

from __future__ import annotations

import re
import stat
from pathlib import Path

import pytest

from spotify_pipeline.sandbox import DEFAULTS, Fault, SandboxServer, read_fault
from spotify_pipeline_tests.cli.conftest import Ran, Run

CONNECTION = DEFAULTS.capi_connection_id
DATASET = DEFAULTS.pixel_dataset_id
UNKNOWN = "9f6b2d30-0000-4000-8000-00000000abcd"
TOKENS = f"/businesses/{DEFAULTS.business_id}/capi/{CONNECTION}/tokens"


def secrets(spotify: SandboxServer, connection: str = CONNECTION) -> list[str]:
    """The active tokens, oldest first."""
    return [each.secret for each in spotify.state.capi_tokens.of(connection) if not each.deleted]


def after(operation: str, do: dict[str, object]) -> Fault:
    return read_fault({"name": "scripted", "operation": operation, "after": [do]})


def is_one_sentence(ran: Ran) -> bool:
    return ran.code == 1 and ran.err.startswith("error: ") and len(ran.err.splitlines()) == 1


def test_data_sets_are_listed_with_connection_pixel_and_ad_accounts(run: Run, spotify: SandboxServer) -> None:
    listed = run("conversions", "datasets")
    assert listed.code == 0
    (shop,) = [line for line in listed.out.splitlines() if DEFAULTS.dataset_id in line]
    (pixel,) = [line for line in listed.out.splitlines() if DATASET in line]
    assert CONNECTION in shop
    assert DEFAULTS.capi_integration_id in shop
    assert DEFAULTS.ad_account_id in shop
    assert "yes" in pixel
    assert "yes" not in shop
    assert run("conversions", "datasets", "--business", DEFAULTS.business_id).out == listed.out
    assert is_one_sentence(run("conversions", "datasets", "--business", UNKNOWN))


def test_connection_on_the_pixels_data_set_and_what_to_do_next(run: Run, spotify: SandboxServer) -> None:
    ran = run("conversions", "connect", "Shop", "--dataset", DATASET)
    assert (ran.code, ran.err) == (0, "")
    (made,) = spotify.state.capi_connections.of(DATASET)
    assert f"SPOTIFY_CAPI_CONNECTION_ID={made.id}\n" in ran.out
    assert f"create-token {made.id}`" in ran.out
    assert f"share {DATASET}`" in ran.out
    again = run("conversions", "connect", "Shop", "--dataset", DATASET)
    assert is_one_sentence(again)
    assert "The data set has a connection already" in again.err


def test_connection_without_a_data_set_gets_one(run: Run, spotify: SandboxServer) -> None:
    ran = run("conversions", "connect", "Shop", "--business", DEFAULTS.business_id.upper())
    (made,) = [each for each in spotify.state.capi_connections.all() if each.id != CONNECTION]
    assert (ran.code, made.id in ran.out, made.dataset_id in ran.out) == (0, True, True)
    refused = run("conversions", "connect", "Shop", "--business", UNKNOWN)
    assert is_one_sentence(refused)
    assert f"You do not belong to a business {UNKNOWN}. There are: Sandbox Business" in refused.err


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("operation", "command"),
    [
        ("create_capi_connection", ("connect", "Shop")),
        ("create_dataset", ("create-dataset", "Shop", "--integration", DEFAULTS.capi_integration_id)),
        ("create_capi_token", ("create-token", CONNECTION, "--env-file", "new.env")),
    ],
)
def test_what_may_have_been_made_is_to_be_looked_for_before_it_is_made_again(
    run: Run, spotify: SandboxServer, operation: str, command: tuple[str, ...]
) -> None:
    spotify.state.faults.script(after(operation, {"do": "alter", "status": 500}))
    ran = run("conversions", *command)
    assert is_one_sentence(ran)
    assert "may have been made all the same: look with `spotify-pipeline conversions " in ran.err


def test_a_pixel_that_joins_late_is_told_at_once(run: Run, spotify: SandboxServer) -> None:
    alone = run("conversions", "create-dataset", "Alone", "--integration", DEFAULTS.pixel_integration_id)
    assert (alone.code, len(alone.out.splitlines())) == (0, 1)
    both = ("--integration", DEFAULTS.capi_integration_id, "--integration", DEFAULTS.pixel_integration_id)
    joined = run("conversions", "create-dataset", "Both", *both)
    assert joined.code == 0
    assert joined.out.startswith("Made the data set Both (")
    assert "events may be accepted and lead nowhere" in joined.out


def test_p13_new_token_is_written_into_a_private_file_and_never_shown(
    run: Run, spotify: SandboxServer, tmp_path: Path
) -> None:
    file = tmp_path / "own.env"
    file.write_text("SPOTIFY_CLIENT_ID=abc\nSHOP_TOKEN=old\n")
    file.chmod(0o644)
    ran = run("conversions", "create-token", CONNECTION, "--variable", "SHOP_TOKEN", "--env-file", str(file))
    assert (ran.code, ran.err) == (0, "")
    _, secret = secrets(spotify)
    assert file.read_text() == f"SPOTIFY_CLIENT_ID=abc\nSHOP_TOKEN={secret}\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    listed = run("conversions", "tokens", CONNECTION.upper())
    assert listed.code == 0
    assert len(re.findall(r"[0-9a-f]{8}-", listed.out)) == 2
    for shown in (ran.out, listed.out, listed.err):
        assert [each for each in secrets(spotify) if each in shown or each[-40:] in shown] == []


def test_c20_a_token_of_another_connection_is_not_written(run: Run, spotify: SandboxServer, tmp_path: Path) -> None:
    file = tmp_path / "own.env"
    other = {"do": "edit_json", "set": {"data.capi_auth_token_id": UNKNOWN, "data.capi_auth_token": "theirs"}}
    spotify.state.faults.script(after("create_capi_token", other))
    ran = run("conversions", "create-token", CONNECTION, "--env-file", str(file))
    assert is_one_sentence(ran)
    assert f"not among those of the connection {CONNECTION}, so it was not written. The token may have been" in ran.err
    assert not file.exists()
    assert len(secrets(spotify)) == 2


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("variable", "file", "why"),
    [
        ("shop-token", "own.env", "capital letters"),
        ("SHOP_TOKEN", "nowhere/own.env", "There is no directory"),
        ("SHOP_TOKEN", ".", "cannot be read as text"),
    ],
)
def test_no_token_is_made_that_could_not_be_kept(
    run: Run, spotify: SandboxServer, variable: str, file: str, why: str
) -> None:
    ran = run("conversions", "create-token", CONNECTION, "--variable", variable, "--env-file", file)
    assert is_one_sentence(ran)
    assert why in ran.err
    assert "Nothing was made." in ran.err
    assert secrets(spotify) == [DEFAULTS.capi_token]


def test_token_that_cannot_be_written_is_deleted_again_or_named(run: Run, spotify: SandboxServer) -> None:
    odd = {"do": "edit_json", "set": {"data.capi_auth_token": "odd token"}}
    create = ("conversions", "create-token", CONNECTION, "--env-file", "own.env")
    spotify.state.faults.script(after("create_capi_token", odd))
    ran = run(*create)
    assert is_one_sentence(ran)
    assert "The new token was deleted again." in ran.err
    assert "odd token" not in ran.err
    assert secrets(spotify) == [DEFAULTS.capi_token]
    spotify.state.faults.script(after("create_capi_token", odd))
    refused = {"do": "reply", "status": 500, "body": ""}
    spotify.state.faults.script(read_fault({"name": "x", "operation": "delete_capi_token", "before": [refused]}))
    ran = run(*create)
    (left,) = [
        each for each in spotify.state.capi_tokens.all() if not each.deleted and each.secret in secrets(spotify)[1:]
    ]
    assert f"delete-token {CONNECTION} {left.token_id}`" in ran.err
    assert not Path("own.env").exists()


def test_a_fourth_token_is_refused_with_what_to_do(run: Run, spotify: SandboxServer) -> None:
    create = ("conversions", "create-token", CONNECTION, "--env-file", "own.env")
    assert [run(*create).code for _ in range(2)] == [0, 0]
    kept = Path("own.env").read_bytes()
    ran = run(*create)
    assert is_one_sentence(ran)
    assert "three tokens at most" in ran.err
    assert Path("own.env").read_bytes() == kept


def test_deleted_token_is_gone_and_cannot_be_deleted_twice(run: Run, spotify: SandboxServer) -> None:
    delete = ("conversions", "delete-token", CONNECTION, DEFAULTS.capi_token_id)
    assert run(*delete).out == f"Deleted the token {DEFAULTS.capi_token_id}.\n"
    assert secrets(spotify) == []
    assert run("conversions", "tokens", CONNECTION).out == "No tokens.\n"
    assert is_one_sentence(run(*delete))


def test_data_set_is_shared_and_taken_away(run: Run, spotify: SandboxServer) -> None:
    def accounts() -> list[str]:
        return [each.ad_account_id for each in spotify.state.shares.all() if each.dataset_id == DATASET]

    for _ in range(2):
        assert run("conversions", "share", DATASET.upper()).code == 0
        assert accounts() == [DEFAULTS.ad_account_id]
    for _ in range(2):
        assert run("conversions", "unshare", DATASET, "--ad-account", DEFAULTS.ad_account_id).code == 0
        assert accounts() == []
    viewed = run("conversions", "share", DATASET, "--ad-account", DEFAULTS.viewer_ad_account_id)
    assert is_one_sentence(viewed)
    assert accounts() == []


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("command", "said"),
    [
        (("tokens", UNKNOWN), "No data set of yours has a connection"),
        (("create-token", UNKNOWN, "--env-file", "own.env"), "No data set of yours has a connection"),
        (("delete-token", UNKNOWN, UNKNOWN), "No data set of yours has a connection"),
        (("share", UNKNOWN), "You have no data set"),
        (("unshare", UNKNOWN), "You have no data set"),
    ],
)
def test_what_is_not_there_is_one_sentence(
    run: Run, spotify: SandboxServer, command: tuple[str, ...], said: str
) -> None:
    ran = run("conversions", *command)
    assert is_one_sentence(ran)
    assert said in ran.err
    assert "conversions datasets" in ran.err
