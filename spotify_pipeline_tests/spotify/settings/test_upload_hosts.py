from __future__ import annotations

from itertools import product
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spotify_pipeline.spotify import Secret, TokenStore, UploadRefused, UploadTicket
from spotify_pipeline.spotify.upload_hosts import GOOGLE_STORAGE, UploadHosts
from spotify_pipeline_tests.spotify.scripted import AUDIENCE, SIGNED, Clock, Spotify
from spotify_pipeline_tests.spotify.uploads import crc32c_of, customer_list

GOOGLE = UploadHosts(GOOGLE_STORAGE)
SANDBOX = UploadHosts((*GOOGLE_STORAGE, "127.0.0.1:8900", "[::1]:8900", "localhost:8900"))

_HOSTS = [  # every spelling that has fooled a URL parser somewhere
    "example.com", "storage.googleapis.com.example.com", "storagegoogleapis.com", "storage-googleapis.com",
    "evil-storage.googleapis.com", "googleapis.com", "www.googleapis.com", "storage.googleapis.com.",
    "storage.googleapis.co", "sstorage.googleapis.com", "storage.googleapis.com%2eexample.com",
    "storage%2egoogleapis.com", "storage.googleapis.com@example.com", "user:pw@storage.googleapis.com",
    "@storage.googleapis.com", "example.com\\@storage.googleapis.com", "storage.googleapis.com\\.example.com",
    "example.com#@storage.googleapis.com", "storage.googleapis\u3002com", "storage\u3002googleapis\u3002com",
    "st\u043erage.googleapis.com", "\uff33\uff34\uff2f\uff32\uff21\uff27\uff25.googleapis.com",
    "storage.googleapis.com\u200b", "\u2060storage.googleapis.com", "storage.googleapis.com\u3002example.com",
    "127.0.0.1", "127.1", "127.0.1", "0x7f.0.0.1", "0x7f000001", "2130706433", "017700000001", "0", "0.0.0.0",  # noqa: S104
    "169.254.169.254", "2852039166", "0xa9fea9fe", "10.0.0.1", "192.168.0.1", "[::1]", "[::]",
    "[::ffff:127.0.0.1]", "[fd00::1]", "[::ffff:7f00:1]", "[0:0:0:0:0:0:0:1]", "localhost", "LOCALHOST",
    "loopback.example.com", "metadata.google.internal", "storage.googleapis.com\t", "storage.goo\ngleapis.com",
    " storage.googleapis.com", "storage.googleapis.com ", "", ".", "..storage.googleapis.com", "-.example.com",
    "storage.googleapis.com,example.com", "storage.googleapis.com;x",
]  # fmt: skip
_PORTS = ["", ":8443", ":80", ":0443", ":443443", ":-1", ":", ":443@example.com", ":x"]
_SCHEMES = ["https", "http"]
_WHOLE = [
    "", "/", "//storage.googleapis.com/x", "storage.googleapis.com/x", "javascript:alert(1)", "file:///etc/passwd",
    "ftp://storage.googleapis.com/x", "HTTPS://storage.googleapis.com/x", "https:/storage.googleapis.com/x",
    "https:\\\\storage.googleapis.com/x", "https://storage.googleapis.com\r\nHost: example.com/x",
    "gopher://127.0.0.1:70/",
    "https://storage.googleapis.com/x y", "https://storage.googleapis.com/\x00", "https://storage.googleapis.com/é",
    "https://storage.googleapis.com/#fragment", "https://storage.googleapis.com/" + "a" * 20_000,
    "http://storage.googleapis.com/x", "http://storage.googleapis.com:443/x", "https://storage.googleapis.com:80/x",
    "data:text/csv,x", "https://storage.googleapis.com:443:443/x", "unix:///var/run/docker.sock",
    "https://?x", "https://:443/",
]  # fmt: skip
HOSTILE = _WHOLE + [
    f"{scheme}://{host}{port}/bucket/object?upload_id=1" for scheme, host, port in product(_SCHEMES, _HOSTS, _PORTS)
]


@pytest.mark.parametrize("hosts", [GOOGLE, SANDBOX], ids=["google", "with a sandbox on 8900"])
def test_s04_no_hostile_url_passes(hosts: UploadHosts):
    assert len(HOSTILE) > 1000
    refusals = [_refusal(hosts, url) for url in HOSTILE]
    assert [url for url, response_error in zip(HOSTILE, refusals, strict=True) if response_error is None] == []
    assert [response_error for response_error in refusals if "bucket" in str(response_error)] == []


def test_s04_no_connection_is_made_for_a_hostile_url(store: TokenStore, spotify: Spotify, clock: Clock, tmp_path: Path):
    file = customer_list(tmp_path, 1_000)
    crc32c = crc32c_of(file)
    with spotify.open(store, clock) as client:
        for url in HOSTILE:
            with pytest.raises(UploadRefused):
                client.upload(UploadTicket(audience_id=AUDIENCE, url=Secret(url)), file, size=1_000, crc32c=crc32c)
    assert spotify.asked == []


def _refusal(hosts: UploadHosts, url: str) -> UploadRefused | None:
    try:
        hosts.check(url)
    except UploadRefused as refused:
        return refused
    return None


@pytest.mark.parametrize(
    "url",
    [
        SIGNED,
        "https://bucket.storage.googleapis.com/object?X-Goog-Signature=1",
        "https://a.b.storage.googleapis.com:443/object",
        "https://STORAGE.googleapis.com/x/%7Eb?c=d%20e&f=g@h",
    ],
)
def test_googles_storage_passes(url: str):
    assert GOOGLE.check(url).url.reveal() == url


@pytest.mark.parametrize("host", ["127.0.0.1:8900", "[::1]:8900", "localhost:8900"])
def test_plain_http_passes_only_for_the_listed_loopback_port(host: str):
    assert SANDBOX.check(f"http://{host}/object").scheme == "http"
    with pytest.raises(UploadRefused):
        GOOGLE.check(f"http://{host}/object")
    with pytest.raises(UploadRefused):
        SANDBOX.check(f"http://{host}1/object")


def test_s05_session_may_move_within_google_but_not_to_this_machine_and_back():
    google, local = GOOGLE.check(SIGNED), SANDBOX.check("http://127.0.0.1:8900/o")
    assert (
        SANDBOX.check_session("https://b.storage.googleapis.com/o?upload_id=1", google).host
        == "b.storage.googleapis.com"
    )
    assert SANDBOX.check_session("http://127.0.0.1:8900/o?upload_id=1", local).port == 8900
    for location, start in [
        ("http://127.0.0.1:8900/o?upload_id=1", google),
        ("https://storage.googleapis.com/o?upload_id=1", local),
        ("http://localhost:8900/o", local),
        ("https://example.com/o", google),
        ("/o?upload_id=1", google),
    ]:
        with pytest.raises(UploadRefused):
            SANDBOX.check_session(location, start)


def test_s05_session_stays_with_its_host_among_other_allowed_ones():
    hosts = UploadHosts((*GOOGLE_STORAGE, "uploads.example.com", "*.example.net"))
    own, other = hosts.check("https://uploads.example.com/o"), hosts.check("https://a.example.net/o")
    assert hosts.check_session("https://uploads.example.com/p?upload_id=1", own).host == "uploads.example.com"
    for location, start in [
        ("https://a.example.net/o", own),
        ("https://b.example.net/o", other),
        ("https://storage.googleapis.com/o", own),
        ("https://uploads.example.com/o", hosts.check(SIGNED)),
    ]:
        with pytest.raises(UploadRefused, match="another host than the upload URL"):
            hosts.check_session(location, start)
    assert hosts.check_session("https://a.storage.googleapis.com/o", hosts.check(SIGNED)).port == 443


@given(
    st.one_of(
        st.text(max_size=60),
        st.tuples(
            st.sampled_from(["https://", "http://", "https:/", "//", "https:\\"]),
            st.text(alphabet="storage.googleapis.com@:/\\#?%[]0123 \t\u3002é", max_size=40),
            st.sampled_from(["", "/x", "?x", "@storage.googleapis.com/", ".storage.googleapis.com/x", ":443/x"]),
        ).map("".join),
    )
)
def test_s12_what_passes_is_read_alike_by_the_client_that_connects(url: str):
    try:
        checked = SANDBOX.check(url)
    except UploadRefused:
        return
    seen = httpx.URL(url)
    assert (seen.scheme, seen.host, seen.port or 443) == (checked.scheme, checked.host.strip("[]"), checked.port)
    assert not seen.userinfo
