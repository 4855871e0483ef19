"""The connection's YAML: what it may say, and where its mistakes are."""

from __future__ import annotations

from pathlib import Path

import pytest

from spotify_pipeline.settings import DEFAULT_VARIABLES, SECRETS, Connection, SettingsError, StatedConnection
from spotify_pipeline_tests.settings.projects import made_project

ACCOUNT = "ce4ff15e-f04d-48b9-9ddf-fb3c85fbd57a"


def test_without_yaml_everything_is_taken_from_its_variable(tmp_path: Path):
    found = StatedConnection.find(made_project(tmp_path))
    assert found == StatedConnection(Connection(), None, {})
    assert set(DEFAULT_VARIABLES) == set(Connection.model_fields) - {"guards"}


def test_what_is_stated_is_found_with_its_lines(tmp_path: Path):
    text = f"""
client_id: {{env: SHOP_CLIENT_ID}}
ad_account_id: {ACCOUNT}
upload_hosts: [storage.googleapis.com, "127.0.0.1:8710"]
upload_chunk_bytes: 524288
warehouse: {{class: shop.warehouse.Mine, database: analytics}}
guards: [shop.guards.Weekend]
"""
    found = StatedConnection.find(made_project(tmp_path, connection=text))
    assert found.file == tmp_path / "src" / "shop" / "defs" / "spotify" / "defs.yaml"
    assert found.lines["ad_account_id"] == 4
    assert found.connection.ad_account_id == ACCOUNT
    assert found.connection.upload_hosts == "storage.googleapis.com,127.0.0.1:8710"
    assert found.connection.upload_chunk_bytes == "524288"
    assert found.connection.warehouse == {"class": "shop.warehouse.Mine", "database": "analytics"}
    assert found.connection.guards == ["shop.guards.Weekend"]


def test_the_secrets_are_what_is_never_shown():
    assert {
        "client_secret",
        "refresh_token",
        "capi_token",
        "proxy_url",
        "alert_webhook",
        "state",
        "key",
    } == SECRETS


@pytest.mark.parametrize("setting", sorted(SECRETS))
@pytest.mark.parametrize(
    "written", ["hunter2", "{env: hunter2}", "{env: A, b: hunter2}", "[hunter2]", "7", '""', "null"]
)
def test_s09_o16_a_secret_in_the_file_is_refused_with_file_and_line_and_not_shown(
    tmp_path: Path, setting: str, written: str
):
    project = made_project(tmp_path, connection=f"client_id: shop\n{setting}: {written}")
    with pytest.raises(
        SettingsError, match=rf"defs\.yaml:4 attributes\.{setting}.*: name an environment variable"
    ) as caught:
        StatedConnection.find(project)
    assert "hunter2" not in str(caught.value)
    assert caught.value.__suppress_context__


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("ad_account_id: x", "attributes.ad_account_id: is not a UUID"),
        ("ads_api_url: http://example.com", "attributes.ads_api_url: begins with http://"),
        ("upload_hosts: ['*']", "attributes.upload_hosts: is not valid: '*' is not a host"),
        ("upload_hosts: [1]", "attributes.upload_hosts: each host is a text"),
        ("upload_chunk_bytes: 7", "attributes.upload_chunk_bytes: is not a multiple of 262144"),
        ("authorization: A B", "attributes.authorization: is not the label"),
        ('client_id: "{{ env.X }}"', "attributes.client_id: templates are not filled in"),
        ("client_id: ''", "attributes.client_id: empty"),
        ("client_id: [a]", "attributes.client_id: write a text, or {env: NAME}"),
        ("client_id: yes", "attributes.client_id: "),
        ("warehouse: {path: x}", "attributes.warehouse: write the path of a DuckDB file"),
        ("guards: [Weekend]", "attributes.guards.0: not a dotted path"),
        ("client_ids: hunter2", "attributes.client_ids: no such field. Did you mean client_id?"),
    ],
)
def test_a_mistake_is_said_with_file_and_line(tmp_path: Path, line: str, said: str):
    project = made_project(tmp_path, connection=f"home: here\n{line}")
    with pytest.raises(SettingsError) as caught:
        StatedConnection.find(project)
    assert f"defs.yaml:4 {said}" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_a_project_has_one_connection(tmp_path: Path):
    project = made_project(tmp_path, connection="home: here")
    other = tmp_path / "src" / "shop" / "defs" / "other"
    other.mkdir()
    (other / "defs.yaml").write_text("---\ntype: x.Y\n---\ntype: spotify_pipeline.SpotifyAds\n")
    with pytest.raises(SettingsError, match=r"other/defs\.yaml:4 and .*spotify/defs\.yaml:1\. A project has one"):
        StatedConnection.find(project)


@pytest.mark.parametrize("text", ["{", "type: other.Thing\nattributes: {client_id: 7}", "- list", ""])
def test_other_components_are_passed_over(tmp_path: Path, text: str):
    project = made_project(tmp_path)
    (tmp_path / "src" / "shop" / "defs" / "spotify" / "defs.yaml").write_text(text)
    assert StatedConnection.find(project).file is None
