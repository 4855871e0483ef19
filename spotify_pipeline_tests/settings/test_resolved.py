"""What a project's YAML, its `.env` and the shell come to."""

from __future__ import annotations

from pathlib import Path

import pytest

from spotify_pipeline.settings import Settings, SettingsError
from spotify_pipeline.spotify import Secret, SettingsInvalid, SettingsMissing
from spotify_pipeline_tests.settings.projects import made_project

ACCOUNT = "ce4ff15e-f04d-48b9-9ddf-fb3c85fbd57a"


def test_without_anything_files_are_the_projects_own(tmp_path: Path):
    settings = Settings.of_project(made_project(tmp_path), {})
    assert settings.home == tmp_path / ".spotify_pipeline"
    assert settings.warehouse == tmp_path / ".spotify_pipeline" / "warehouse" / "warehouse.duckdb"
    assert settings.alert_webhook is None
    assert {each.place for each in settings.origins()} == {"default"}


def test_yaml_file_and_shell_each_give_their_part(tmp_path: Path):
    text = f"ad_account_id: {ACCOUNT}\nclient_secret: {{env: SHOP_SECRET}}\nhome: lists"
    project = made_project(tmp_path, connection=text, env="SHOP_SECRET=of-the-file\n")
    settings = Settings.of_project(project, {"SPOTIFY_CLIENT_ID": "shop", "SPOTIFY_AD_ACCOUNT_ID": "not this"})
    spotify = settings.spotify("agency")
    assert (spotify.client_id, spotify.client_secret) == ("shop", Secret("of-the-file"))
    assert (spotify.require_ad_account_id(), spotify.authorization) == (ACCOUNT, "agency")
    assert settings.home == tmp_path / "lists"
    yaml = tmp_path / "src" / "shop" / "defs" / "spotify" / "defs.yaml"
    places = {each.setting: (each.variable, each.place) for each in settings.origins()}
    assert places["client_id"] == ("SPOTIFY_CLIENT_ID", "the shell")
    assert places["client_secret"] == ("SHOP_SECRET", str(tmp_path / ".env"))
    assert places["ad_account_id"] == (None, f"{yaml}:3")
    assert places["proxy_url"] == ("SPOTIFY_PROXY_URL", "default")


def test_a_variable_that_the_yaml_names_must_be_set(tmp_path: Path):
    project = made_project(tmp_path, connection="client_id: shop\nads_api_url: {env: SHOP_API}")
    settings = Settings.of_project(project, {})
    assert settings.home  # what does not need it, works
    with pytest.raises(SettingsMissing, match=r"SHOP_API is not set, which .*defs\.yaml:4 names for ads_api_url\."):
        settings.spotify()


def test_an_error_names_the_variable_or_the_line(tmp_path: Path):
    project = made_project(tmp_path, connection="client_id: {env: SHOP_ID}\nca_bundle: authorities.pem")
    with pytest.raises(SettingsInvalid, match=r"^SHOP_ID is empty or contains white space"):
        Settings.of_project(project, {"SHOP_ID": "a b"}).spotify()
    with pytest.raises(SettingsInvalid, match=r"^ca_bundle \(.*defs\.yaml:4\) names .*/authorities\.pem, which is not"):
        Settings.of_project(project, {"SHOP_ID": "a"}).spotify()


@pytest.mark.parametrize(
    "variable", ["SHOP_ID", "SPOTIFY_AD_ACCOUNT_ID", "SPOTIFY_PIPELINE_HOME", "SPOTIFY_CAPI_TOKEN"]
)
def test_s08_what_differs_between_shell_and_file_is_refused(tmp_path: Path, variable: str):
    project = made_project(tmp_path, connection="client_id: {env: SHOP_ID}", env=f"{variable}=a\n")
    with pytest.raises(SettingsError, match=rf"The shell and .*\.env set {variable} to different values"):
        Settings.of_project(project, {variable: "b"})
    with pytest.raises(SettingsError, match=rf"This process and .*\.env set {variable} to different values"):
        Settings.of_run(project, Settings.of_project(project, {}).stated, {variable: "b"})


def test_what_nothing_is_taken_from_may_differ(tmp_path: Path):
    project = made_project(tmp_path, connection="client_id: shop", env="SPOTIFY_CLIENT_ID=a\nPATH=b\n")
    assert Settings.of_project(project, {"SPOTIFY_CLIENT_ID": "b", "PATH": "c"}).spotify().client_id == "shop"


def test_another_warehouse_gets_its_options_and_secrets_hidden(tmp_path: Path):
    text = "warehouse: {class: shop.warehouse.Mine, database: analytics, password: {env: SHOP_PASSWORD}}"
    project = made_project(tmp_path, connection=text)
    found = Settings.of_project(project, {"SHOP_PASSWORD": "hunter2"}).warehouse
    assert found == {"class": "shop.warehouse.Mine", "database": "analytics", "password": Secret("hunter2")}
    with pytest.raises(SettingsMissing, match="SHOP_PASSWORD is not set"):
        _ = Settings.of_project(project, {}).warehouse


def test_a_feed_may_have_a_token_and_a_connection_of_its_own(tmp_path: Path):
    settings = Settings.of_project(made_project(tmp_path), {"SPOTIFY_CAPI_TOKEN": "one", "SHOP_TOKEN": "two"})
    assert settings.conversions().require_token() == Secret("one")
    assert settings.conversions(token_variable="SHOP_TOKEN").require_token() == Secret("two")
    with pytest.raises(SettingsMissing, match=r"^OTHER is not set"):
        settings.conversions(token_variable="OTHER").require_token()


def test_p12_an_outbox_of_its_own_is_refused_and_its_address_not_repeated(tmp_path: Path):
    settings = Settings.of_project(
        made_project(tmp_path), {"SPOTIFY_PIPELINE_OUTBOX": "postgresql://user:hunter2@db.example.com/outbox"}
    )
    with pytest.raises(SettingsError, match=r"set SPOTIFY_PIPELINE_STATE to a PostgreSQL database") as caught:
        _ = settings.store
    assert "hunter2" not in str(caught.value)
