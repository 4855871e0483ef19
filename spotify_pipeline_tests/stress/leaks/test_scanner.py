"""The scanner finds what is planted: in each form, in each kind of file, at each place in it."""

from __future__ import annotations

import base64
import gzip
import json
import sqlite3
import zlib
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import duckdb
import polars as pl
import pyarrow as pa
import pytest

from spotify_pipeline_tests.stress.leaks.canaries import (
    DEVICE_STEMS,
    canaries,
    digests,
    dirty_device_id,
    dirty_email,
    dirty_ip_address,
    dirty_phone,
    table,
)
from spotify_pipeline_tests.stress.leaks.needles import (
    Kind,
    needles_of_addresses,
    needles_of_people,
    needles_of_secrets,
)
from spotify_pipeline_tests.stress.leaks.scanner import BLOCK, Scanner

PERSON = canaries()[7]
TOKEN = "BQ7dPlantedTokenThatOpensNothing-0123456789_aZ"
FORMS: dict[str, Callable[[str], bytes]] = {
    "raw": str.encode,
    "upper": lambda value: value.upper().encode(),
    "title": lambda value: value.title().encode(),
    "percent": lambda value: quote(value, safe="").encode(),
    "percent, every byte": lambda value: "".join(f"%{byte:02X}" for byte in value.encode()).encode(),
    "JSON": lambda value: json.dumps({"said": f"could not convert '{value}'"}).replace("@", "\\u0040").encode(),
    "JSON, every character": lambda value: "".join(f"\\u{ord(each):04X}" for each in value).encode(),
    "bytes literal": lambda value: "".join(f"\\x{byte:02x}" for byte in value.encode()).encode(),
    "base64 at 0": lambda value: base64.b64encode(value.encode()),
    "base64 at 1": lambda value: base64.b64encode(b"a" + value.encode()),
    "base64 at 2": lambda value: base64.urlsafe_b64encode(b"ab" + value.encode()),
    "base64 of upper": lambda value: base64.b64encode(value.upper().encode()),
    "UTF-16 le": lambda value: value.encode("utf-16-le"),
    "UTF-16 be": lambda value: value.upper().encode("utf-16-be"),
    "hex": lambda value: value.encode().hex().encode(),
    "hex of upper": lambda value: value.upper().encode().hex().upper().encode(),
    "gzip": lambda value: b"before" + gzip.compress(value.encode()) + b"after",
    "zlib": lambda value: b"before" + zlib.compress(value.encode()),
    "gzip in gzip": lambda value: gzip.compress(b"x" * 99 + gzip.compress(value.encode())),
    "zstd": lambda value: b"before" + _zstd(value.encode()),
}
BYTE_FORMS = ["percent, every byte", "JSON, every character", "bytes literal", "gzip", "zlib", "zstd"]
EXACT_FORMS = ["raw", "percent", "base64 at 0", "base64 at 1", "base64 at 2", "UTF-16 le", "hex", *BYTE_FORMS]


@pytest.fixture
def scanner() -> Scanner:
    secrets = needles_of_secrets([TOKEN], Kind.TOKEN)
    return Scanner([*needles_of_people(), *needles_of_addresses(), *secrets], digests())


def kinds(scanner: Scanner, data: bytes) -> set[Kind]:
    return {finding.kind for finding in scanner.data(data, "planted")}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (PERSON.email, Kind.EMAIL),
        (PERSON.phone, Kind.PHONE),
        (PERSON.device_id, Kind.DEVICE_ID),
        (PERSON.ip_address, Kind.IP_ADDRESS),
    ],
    ids=["email", "phone", "device_id", "ip_address"],
)
def test_p01_person_is_found_in_every_form(scanner: Scanner, form: str, value: str, kind: Kind) -> None:
    planted = b"some words before " + FORMS[form](value) + b" and after"
    assert kinds(scanner, planted) == {kind}


@pytest.mark.parametrize("form", EXACT_FORMS)
@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (TOKEN, Kind.TOKEN),
        (f"cut off: {TOKEN[:24]}", Kind.TOKEN),
        ("https://storage.example/list?X-Goog-Signature=77aa", Kind.SIGNATURE),
        ("https://storage.example/list?upload_id=77aa", Kind.SESSION),
    ],
    ids=["token", "beginning of a token", "signature", "session"],
)
def test_p02_secret_is_found_in_every_form(scanner: Scanner, form: str, value: str, kind: Kind) -> None:
    assert kinds(scanner, b"some words before " + FORMS[form](value) + b" and after") == {kind}


@pytest.mark.parametrize("form", ["raw", "upper", "UTF-16 le", "gzip"])
def test_p01_digest_is_found(scanner: Scanner, form: str) -> None:
    digest = sorted(digests())[3]
    assert kinds(scanner, b"0123 " + FORMS[form](f"ab{digest} {digest[:20]}")) == (
        set() if form == "UTF-16 le" else {Kind.DIGEST}
    )


def test_p11_every_dirt_of_every_canary_is_found(scanner: Scanner) -> None:
    for one in canaries():
        assert kinds(scanner, dirty_email(one).encode()) == {Kind.EMAIL}
        assert kinds(scanner, dirty_phone(one).encode()) == {Kind.PHONE}
        assert kinds(scanner, dirty_device_id(one).encode()) == {Kind.DEVICE_ID}
        assert kinds(scanner, dirty_ip_address(one).encode()) == {Kind.IP_ADDRESS}
    for name, kind in {"phone_number": Kind.PHONE, "phone_double": Kind.PHONE, "seen": Kind.EMAIL}.items():
        assert kinds(scanner, str(table()[name].to_list()[2]).encode()) == {kind}
    for name, kind in {"email_bytes": Kind.EMAIL, "device_bytes": Kind.DEVICE_ID}.items():
        value = table()[name].to_list()[3]
        assert kinds(scanner, value) == kinds(scanner, repr(value).encode()) | {kind}


@pytest.mark.parametrize("before", [0, 1, BLOCK - 7, BLOCK - 1, BLOCK, 3 * BLOCK - 5])
def test_value_is_found_wherever_blocks_meet(scanner: Scanner, tmp_path: Path, before: int) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"x" * before + PERSON.email.encode() + b"y" * 100)
    (found,) = scanner.file(file, "file")
    assert (found.kind, found.offset) == (Kind.EMAIL, before)


@pytest.mark.parametrize("state", ["live", "deleted", "written ahead", "over many pages", "compressed over pages"])
def test_value_in_a_database_is_found(scanner: Scanner, tmp_path: Path, state: str) -> None:
    file = tmp_path / "index.db"
    connection = sqlite3.connect(file)
    connection.execute("PRAGMA secure_delete = off")
    if state == "written ahead":
        connection.execute("PRAGMA journal_mode = wal")
        connection.execute("PRAGMA wal_autocheckpoint = 0")
    connection.execute("CREATE TABLE logs (id INTEGER PRIMARY KEY, event TEXT, body BLOB)")
    text = PERSON.email * (2_000 if state == "over many pages" else 1)
    # Bytes that cannot be made shorter push the member over several pages.
    body = zlib.compress(b"".join(one.email.encode()[::-1] for one in canaries()) + PERSON.phone.encode())
    connection.execute(
        "INSERT INTO logs (event, body) VALUES (?, ?)",
        ("", body) if state == "compressed over pages" else (text, b""),
    )
    connection.commit()
    if state == "deleted":
        connection.execute("DELETE FROM logs")
        connection.commit()
    found = {each for path in sorted(tmp_path.iterdir()) for each in scanner.file(path, path.name)}
    connection.close()
    kind = Kind.PHONE if state == "compressed over pages" else Kind.EMAIL
    assert {each.kind for each in found} == {kind}
    assert any(" > table logs" in each.place for each in found) is (state != "deleted")


def test_value_in_a_parquet_file_is_found_though_it_is_compressed(scanner: Scanner, tmp_path: Path) -> None:
    table(3).select("email").write_parquet(tmp_path / "some.parquet", compression="zstd")
    found = scanner.file(tmp_path / "some.parquet", "some.parquet")
    assert any(each.place == "some.parquet > column email" for each in found)


def test_value_in_a_spilled_duckdb_file_is_found(scanner: Scanner, tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "plain.duckdb")) as connection:
        connection.execute("CREATE TABLE t AS SELECT ? AS email", [PERSON.email])
    assert {each.kind for each in scanner.file(tmp_path / "plain.duckdb", "f")} == {Kind.EMAIL}


def test_findings_and_empty_files_hold_no_value(scanner: Scanner, tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    assert scanner.file(tmp_path / "empty", "empty") == set()
    assert scanner.file(tmp_path / "gone", "gone") == set()
    printed = " ".join(map(str, scanner.data(f"{PERSON.email} {PERSON.phone} {TOKEN}".encode(), "planted")))
    assert kinds(scanner, printed.encode()) == set()


def test_ordinary_words_numbers_and_other_digests_are_no_finding(scanner: Scanner) -> None:
    ordinary = json.dumps({"rows": 1_000, "sha256": "0" * 64, "mail": "person@example.com", "phone": "+46701740605"})
    assert scanner.data(ordinary.encode() + DEVICE_STEMS[0][:9].encode(), "ordinary") == set()


def _zstd(data: bytes) -> bytes:
    return pa.compress(data, codec="zstd", asbytes=True)


def test_p07_frames_of_polars_are_found(scanner: Scanner, tmp_path: Path) -> None:
    for compression in ("uncompressed", "zstd"):
        phones = pl.DataFrame({"phone": [one.phone for one in canaries()]})
        phones.write_ipc(tmp_path / "a.arrow", compression=compression)
        assert {each.kind for each in scanner.file(tmp_path / "a.arrow", "a")} == {Kind.PHONE}
