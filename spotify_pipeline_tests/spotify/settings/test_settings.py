from __future__ import annotations

import copy
import dataclasses
import json
import pickle
from pathlib import Path

import pytest

from spotify_pipeline.spotify import Secret, SettingsInvalid, SettingsMissing, SpotifySettings, UploadTicket
from spotify_pipeline.spotify.auth.authorization import Authorization
from spotify_pipeline_tests.spotify.from_variables import spotify_settings_of

ENVIRONMENT = {"SPOTIFY_CLIENT_ID": "client-1"}


def test_defaults_are_spotifys_own_addresses_and_googles_storage():
    settings = spotify_settings_of(ENVIRONMENT)
    assert settings.ads_api_url == "https://api-partner.spotify.com/ads/v3"
    assert settings.accounts_url == "https://accounts.spotify.com"
    assert settings.upload_hosts == ("storage.googleapis.com", "*.storage.googleapis.com")
    assert settings.client_secret is None
    assert settings.refresh_token is None


def test_every_variable_is_read_and_empty_means_unset():
    settings = spotify_settings_of(
        {
            "SPOTIFY_CLIENT_ID": " client-1 ",
            "SPOTIFY_CLIENT_SECRET": "shh",
            "SPOTIFY_REFRESH_TOKEN": "",
            "SPOTIFY_AD_ACCOUNT_ID": "ce4ff15e-f04d-48b9-9ddf-fb3c85fbd57a",
            "SPOTIFY_ADS_API_URL": "http://127.0.0.1:8900/ads/v3/",
            "SPOTIFY_ACCOUNTS_URL": "http://[::1]:8900/accounts",
            "SPOTIFY_UPLOAD_HOSTS": "storage.googleapis.com, 127.0.0.1:8900",
        }
    )
    assert settings.client_id == "client-1"
    assert settings.client_secret == Secret("shh")
    assert settings.refresh_token is None
    assert settings.ads_api_url == "http://127.0.0.1:8900/ads/v3"
    assert settings.upload_hosts == ("storage.googleapis.com", "127.0.0.1:8900")


def test_missing_client_id_names_the_variable_and_where_to_find_it():
    with pytest.raises(SettingsMissing, match=r"SPOTIFY_CLIENT_ID is not set\. .*developer dashboard"):
        spotify_settings_of({})


def test_missing_ad_account_is_said_when_it_is_needed_and_not_before():
    settings = spotify_settings_of(ENVIRONMENT)
    with pytest.raises(SettingsMissing, match=r"SPOTIFY_AD_ACCOUNT_ID.*spotify-pipeline ad-accounts"):
        settings.require_ad_account_id()


@pytest.mark.parametrize("variable", ["SPOTIFY_ADS_API_URL", "SPOTIFY_ACCOUNTS_URL"])
@pytest.mark.parametrize(
    "url",
    [
        "http://api-partner.spotify.com/ads/v3",
        "http://127.0.0.1.example.com",
        "http://10.0.0.1",
        "ftp://example.com",
        "example.com",
        "https://",
        "https://user:hunter2@example.com",
        "https://example.com:99999",
        "https://example.com/?token=hunter2",
        "https://example.com/#x",
        "https://exa mple.com",
        "https://exämple.com",
        "https://[::1",
    ],
)
def test_bad_address_names_its_variable_and_shows_no_part_of_it(variable: str, url: str):
    with pytest.raises(SettingsInvalid, match=variable) as caught:
        spotify_settings_of({**ENVIRONMENT, variable: url})
    assert "hunter2" not in str(caught.value)


def test_authorization_is_the_default_one_unless_the_environment_chooses():
    assert spotify_settings_of(ENVIRONMENT).authorization == "default"
    chosen = spotify_settings_of({**ENVIRONMENT, "SPOTIFY_AUTHORIZATION": " acme-2_se "})
    assert chosen.authorization == "acme-2_se"


@pytest.mark.parametrize("label", ["Acme", "-a", "_a", "a b", "../a", "a" * 41, "ä", "a\nb"])
def test_label_that_is_none_is_refused(label: str):
    with pytest.raises(SettingsInvalid, match="SPOTIFY_AUTHORIZATION"):
        spotify_settings_of({**ENVIRONMENT, "SPOTIFY_AUTHORIZATION": label})


@pytest.mark.parametrize("identity", ["x", "ce4ff15e-f04d-48b9-9ddf-fb3c85fbd57", "../businesses", "{}"])
def test_ad_account_that_is_no_uuid_is_refused(identity: str):
    with pytest.raises(SettingsInvalid, match="SPOTIFY_AD_ACCOUNT_ID is not a UUID"):
        spotify_settings_of({**ENVIRONMENT, "SPOTIFY_AD_ACCOUNT_ID": identity})


@pytest.mark.parametrize(
    "hosts",
    ["*", "*.com", "https://storage.googleapis.com", "storage.googleapis.com:8443", "10.0.0.7", "a b",
     "user@example.com", "*.127.0.0.1:80", "127.0.0.1:0", "127.0.0.1:70000", "2130706433", ","],
)  # fmt: skip
def test_upload_host_that_would_allow_too_much_is_refused(hosts: str):
    with pytest.raises(SettingsInvalid, match="SPOTIFY_UPLOAD_HOSTS"):
        spotify_settings_of({**ENVIRONMENT, "SPOTIFY_UPLOAD_HOSTS": hosts})


def test_proxy_and_certificate_authorities_are_none_unless_stated(tmp_path: Path):
    assert spotify_settings_of(ENVIRONMENT).proxy_url is None
    assert spotify_settings_of(ENVIRONMENT).ca_bundle is None
    bundle = tmp_path / "authorities.pem"
    bundle.write_text("-")
    stated = {"SPOTIFY_PROXY_URL": "http://proxy.example.com:3128/", "SPOTIFY_CA_BUNDLE": str(bundle)}
    settings = spotify_settings_of({**ENVIRONMENT, **stated})
    assert settings.proxy_url == Secret("http://proxy.example.com:3128/")
    assert settings.ca_bundle == bundle


@pytest.mark.parametrize(
    "url",
    ["proxy.example.com:3128", "socks5://hunter2@proxy.example.com", "http://", "https://user:hunter2@", "//hunter2",
     "http://hunter2.example.com:99999", "http://hunter2 .example.com", "http://example.com/hunter2",
     "http://example.com?hunter2", "http://example.com#hunter2", "http://example.com\\@hunter2", "http://[::1"],
)  # fmt: skip
def test_s07_address_that_is_no_proxy_is_refused_and_not_shown(url: str):
    with pytest.raises(SettingsInvalid, match=r"SPOTIFY_PROXY_URL is not .* http://user:password@host:port") as caught:
        spotify_settings_of({**ENVIRONMENT, "SPOTIFY_PROXY_URL": url})
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("host", ["a..b", ".example.com", "-" * 64 + ".example.com", "x." * 130 + "com"])
@pytest.mark.parametrize("variable", ["SPOTIFY_ADS_API_URL", "SPOTIFY_ACCOUNTS_URL", "SPOTIFY_PROXY_URL"])
def test_host_that_cannot_be_one_is_refused(variable: str, host: str):
    with pytest.raises(SettingsInvalid, match=variable):
        spotify_settings_of({"SPOTIFY_CLIENT_ID": "a", variable: f"https://{host}"})


@pytest.mark.parametrize("host", ["intra_net.example.com", "api.example.com.", "192.0.2.7:8443", "[2001:db8::7]:8443"])
def test_unusual_host_is_taken(host: str):
    url = f"https://{host}"
    chosen = spotify_settings_of({"SPOTIFY_CLIENT_ID": "a", "SPOTIFY_ADS_API_URL": url})
    assert chosen.ads_api_url == url


@pytest.mark.parametrize(
    "hosts",
    [
        "https://storage.googleapis.com/o?X-Goog-Signature=CANARY",
        "storage.googleapis.com,CANARY@example.com",
        "CANARY" * 20 + "!",
    ],
)
def test_upload_hosts_that_may_hold_a_signed_url_are_told_by_their_place(hosts: str):
    with pytest.raises(SettingsInvalid, match=r"entry [12] is not a host") as caught:
        spotify_settings_of({"SPOTIFY_CLIENT_ID": "a", "SPOTIFY_UPLOAD_HOSTS": hosts})
    assert "CANARY" not in str(caught.value)


@pytest.mark.parametrize(
    "bundle", ["/" + "x" * 300, "~nobody-knows-this-user/ca.pem"], ids=["cannot be looked at", "home of nobody"]
)
def test_bundle_that_cannot_even_be_looked_for_is_named(bundle: str):
    with pytest.raises(SettingsInvalid, match=r"SPOTIFY_CA_BUNDLE names .* which is not a file"):
        spotify_settings_of({"SPOTIFY_CLIENT_ID": "a", "SPOTIFY_CA_BUNDLE": bundle})


def test_bundle_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(SettingsInvalid, match=r"SPOTIFY_CA_BUNDLE names .*nowhere\.pem, which is not a file"):
        spotify_settings_of({**ENVIRONMENT, "SPOTIFY_CA_BUNDLE": str(tmp_path / "nowhere.pem")})


@pytest.mark.parametrize("variable", ["SPOTIFY_CLIENT_ID", "SPOTIFY_CLIENT_SECRET", "SPOTIFY_REFRESH_TOKEN"])
def test_credential_with_white_space_inside_is_refused_without_being_shown(variable: str):
    with pytest.raises(SettingsInvalid, match=variable) as caught:
        spotify_settings_of({**ENVIRONMENT, variable: "hun\nter2"})
    assert "ter2" not in str(caught.value)


SECRET = "7CANARY7"
HOLDERS = [
    SpotifySettings(
        client_id="c",
        client_secret=Secret(SECRET),
        refresh_token=Secret(SECRET),
        proxy_url=Secret(f"http://user:{SECRET}@127.0.0.1:3128"),
    ),
    UploadTicket(audience_id="a", url=Secret(SECRET)),
    Authorization(
        issuer="i",
        client_id="c",
        refresh_token=Secret(SECRET),
        previous_refresh_token=Secret(SECRET),
        access_token=Secret(SECRET),
    ),
    Secret(SECRET),
]


@pytest.mark.parametrize("holder", HOLDERS, ids=lambda holder: type(holder).__name__)
def test_o16_no_textual_form_shows_a_secret(holder: object):
    forms = [repr(holder), str(holder), f"{holder}", f"{holder!s:>9}", repr([holder])]
    forms += [json.dumps(holder, default=str)]
    if dataclasses.is_dataclass(holder) and not isinstance(holder, type):
        forms += [repr(dataclasses.asdict(holder)), json.dumps(dataclasses.asdict(holder), default=repr)]
    assert not [form for form in forms if SECRET in form]


@pytest.mark.parametrize("holder", HOLDERS, ids=lambda holder: type(holder).__name__)
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_o16_a_secret_refuses_to_be_pickled(holder: object, protocol: int):
    with pytest.raises(TypeError):
        pickle.dumps(holder, protocol)


def test_secret_compares_by_value_and_survives_copies():
    secret = Secret("a")
    assert copy.deepcopy(secret) is secret
    assert copy.copy(secret) == Secret("a")
    assert secret != Secret("b")
    assert secret != "a"
    assert {secret: 1}[Secret("a")] == 1
    assert not Secret("")
