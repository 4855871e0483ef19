"""The settings of the Conversions API."""

from __future__ import annotations

import pytest

from spotify_pipeline.spotify import Secret, SettingsInvalid, SettingsMissing
from spotify_pipeline_tests.spotify.conversion_objects import CAPI_SECRET as TOKEN
from spotify_pipeline_tests.spotify.conversion_objects import CONNECTION
from spotify_pipeline_tests.spotify.from_variables import conversions_settings_of

ANOTHER = "3fd920ed-a111-43d4-bee2-74d078c479a5"


def test_nothing_set_is_spotify_s_own_address_and_neither_token_nor_connection():
    settings = conversions_settings_of({})
    assert settings.capi_url == "https://capi.spotify.com/capi-direct/events/"
    assert (settings.token, settings.connection_id, settings.proxy_url, settings.ca_bundle) == (None,) * 4


def test_every_variable_is_read_and_the_feed_s_own_goes_before():
    environment = {
        "SPOTIFY_CAPI_URL": "http://127.0.0.1:8710/capi-direct/events/",
        "SPOTIFY_CAPI_CONNECTION_ID": CONNECTION,
        "SPOTIFY_CAPI_TOKEN": "one",
        "SHOP_TOKEN": " two ",
        "SPOTIFY_PROXY_URL": "http://proxy.example.com:3128",
    }
    settings = conversions_settings_of(environment)
    assert settings.capi_url == "http://127.0.0.1:8710/capi-direct/events/"
    assert settings.require_connection_id() == CONNECTION
    assert settings.require_token() == Secret("one")
    assert settings.proxy_url == Secret("http://proxy.example.com:3128")
    feed = conversions_settings_of(environment, token_variable="SHOP_TOKEN", connection_id=ANOTHER)
    assert feed.require_connection_id() == ANOTHER
    assert feed.require_token() == Secret("two")


def test_address_is_used_as_it_stands():
    for url in ("https://capi.example.com/events", "https://capi.example.com/events/"):
        assert conversions_settings_of({"SPOTIFY_CAPI_URL": url}).capi_url == url


def test_what_is_missing_is_said_when_it_is_needed_with_the_next_step():
    settings = conversions_settings_of({"SPOTIFY_CAPI_TOKEN": ""}, token_variable="SHOP_TOKEN")
    with pytest.raises(SettingsMissing, match=r"SHOP_TOKEN is not set.*spotify-pipeline conversions create-token"):
        settings.require_token()
    with pytest.raises(SettingsMissing, match=r"SPOTIFY_CAPI_CONNECTION_ID.*spotify-pipeline conversions datasets"):
        settings.require_connection_id()


@pytest.mark.parametrize(
    "url",
    ["http://capi.spotify.com/", "http://127.0.0.1.example.com/", "http://10.0.0.1/", "capi.spotify.com", "https://",
     "https://user:hunter2@example.com", "https://example.com/?token=hunter2", "https://example.com/#hunter2"],
)  # fmt: skip
def test_s07_bad_address_names_its_variable_and_shows_no_part_of_it(url: str):
    with pytest.raises(SettingsInvalid, match="SPOTIFY_CAPI_URL") as caught:
        conversions_settings_of({"SPOTIFY_CAPI_URL": url})
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("identity", ["x", CONNECTION[:-1], "../x", f'{CONNECTION}"'])
def test_connection_that_is_no_uuid_is_refused_and_not_shown(identity: str):
    with pytest.raises(SettingsInvalid, match="The feed's connection_id is not a UUID") as caught:
        conversions_settings_of({}, connection_id=identity)
    assert identity == "x" or identity not in str(caught.value)


def test_o16_token_is_not_shown_wherever_somebody_puts_it():
    mistakes = [
        lambda: conversions_settings_of({"SPOTIFY_CAPI_TOKEN": f"{TOKEN} {TOKEN}"}),
        lambda: conversions_settings_of({}, connection_id=TOKEN),
        lambda: conversions_settings_of({"SPOTIFY_CAPI_CONNECTION_ID": TOKEN}),
        lambda: conversions_settings_of({"SPOTIFY_CAPI_URL": TOKEN}),
    ]
    for mistake in mistakes:
        with pytest.raises(SettingsInvalid) as caught:
            mistake()
        assert "CANARY" not in str(caught.value)
    settings = conversions_settings_of({"SPOTIFY_CAPI_TOKEN": TOKEN})
    assert "CANARY" not in repr(settings)


def test_proxy_and_bundle_are_checked_as_for_the_ads_api():
    for variable in ("SPOTIFY_PROXY_URL", "SPOTIFY_CA_BUNDLE"):
        with pytest.raises(SettingsInvalid, match=variable):
            conversions_settings_of({variable: "nowhere/at-all.pem"})
