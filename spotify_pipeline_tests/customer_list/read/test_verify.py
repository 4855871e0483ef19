"""P10: whatever is changed in a finished list is found, and named by line, before anything is sent."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spotify_pipeline.customer_list import CustomerListError, Layout, Manifest, verify_customer_list, write_identifiers
from spotify_pipeline.customer_list.read.verify import are_wide_rows
from spotify_pipeline_tests.customer_list.making import ALL_TYPES, build, email_list, segment
from spotify_pipeline_tests.examples import examples

CANARY = b"canary.person@example.com"
NOTHING = b"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def wide_list(tmp_path: Path) -> tuple[Path, Manifest]:
    rows = [
        {"email": f"p{n}@example.com", "phone": f"+1415555{n:04}" if n % 2 else None, "consent": "1"}
        for n in range(100)
    ]
    report = write_identifiers([segment(rows)], ALL_TYPES, tmp_path / "a.parquet")
    return tmp_path / "list.csv", build(tmp_path / "a.parquet", report, tmp_path / "list.csv")


def with_line(data: bytes, number: int, change) -> bytes:
    lines = data.splitlines(keepends=True)
    lines[number - 1] = change(lines[number - 1])
    return b"".join(lines)


@pytest.mark.parametrize(
    "change",
    [
        lambda line: CANARY + line[64:],
        lambda line: line[:64].upper() + line[64:],
        lambda line: line[:63] + line[64:],
        lambda line: b"0" + line,
        lambda line: b"0" * 64 + line,
        lambda line: line[:63] + b"g" + line[64:],
        lambda line: line[:63] + b"\xe4" + line[64:],
        lambda line: b'"' + line[:64] + b'"' + line[64:],
        lambda line: line.replace(b",", b";"),
        lambda line: line.replace(b",", b""),
        lambda line: line.replace(b"\n", b",\n"),
        lambda line: line.replace(b"\n", b"\r\n"),
        lambda _: b",\n",
        lambda _: b"\n",
        lambda _: b"\x00" * 65 + b"\n",
        lambda line: NOTHING + line[64:],
        lambda line: b"\xef\xbb\xbf" + line,
        lambda line: b" " + line,
    ],
)
@pytest.mark.parametrize("number", [2, 57, 101])
def test_p10_changed_row_is_named_by_its_line(tmp_path: Path, number: int, change) -> None:
    path, manifest = wide_list(tmp_path)
    verify_customer_list(path, manifest)
    path.write_bytes(with_line(path.read_bytes(), number, change))
    with pytest.raises(CustomerListError, match=f"line {number}: ") as caught:
        verify_customer_list(path, manifest)
    assert CANARY.decode() not in str(caught.value)
    assert NOTHING.decode() not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda data: with_line(data, 2, lambda line: b"0" * 64 + line[64:]), "sha256"),
        (lambda data: with_line(data, 2, lambda line: line + line), "rows 101"),
        (lambda data: with_line(data, 2, lambda _: b""), "rows 99"),
        (lambda data: data[:-1], "line 101"),
        (lambda data: data + b"\n", "line 102"),
        (lambda data: data[: len(data) // 2], "line"),
        (lambda _: b"", "line 1"),
        (lambda data: data.partition(b"\n")[2], "line 1: is not the header"),
        (lambda data: b"\xef\xbb\xbf" + data, "line 1: is not the header"),
        (lambda data: data.partition(b"\n")[0], "line 1"),
        (lambda data: b"PHONE_NUMBER_SHA256,EMAIL_ID_SHA256\n" + data.partition(b"\n")[2], "line 1"),
        (lambda data: data.partition(b"\n")[0] + b"\n" + CANARY * 500_000, "line 2"),
    ],
)
def test_p10_changed_file_is_not_the_manifests(tmp_path: Path, change, what: str) -> None:
    path, manifest = wide_list(tmp_path)
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(CustomerListError, match=what) as caught:
        verify_customer_list(path, manifest)
    assert CANARY.decode() not in str(caught.value)


@pytest.mark.parametrize("field", ["sha256", "crc32c"])
def test_each_checksum_is_compared(tmp_path: Path, field: str) -> None:
    path, manifest = wide_list(tmp_path)
    with pytest.raises(CustomerListError, match=field):
        verify_customer_list(path, replace(manifest, **{field: "AAAAAA=="}))


CELLS = st.one_of(
    st.just(b""), st.integers(0, 99).map(lambda n: f"{n:064x}".encode()), st.binary(min_size=63, max_size=65)
)
ROW_PIECES = st.one_of(CELLS, st.sampled_from([b",", b"\n", b"a" * 64 + b",", b"b" * 64 + b"\n", b"c" * 64, b"\r"]))


@st.composite
def nearly_rows(draw: st.DrawFn) -> tuple[int, bytes]:
    """Rows of one to three cells, most of them right; then perhaps some bytes put in, or taken out."""
    columns = draw(st.integers(1, 3))
    good = [f"{draw(st.integers(0, 15)):064x}".encode() for _ in range(draw(st.integers(0, 4)))]
    rows = [b",".join(draw(st.lists(CELLS | st.sampled_from(good or [b""]), min_size=columns, max_size=columns)))]
    rows += [b",".join([each, *[b""] * (columns - 1)]) for each in good]
    text = b"".join(each + b"\n" for each in draw(st.permutations(rows)))
    at = draw(st.integers(0, len(text)))
    taken = draw(st.sampled_from([0, 0, 0, 1, 64]))
    return columns, text[:at] + draw(st.sampled_from([b"", b"", b""]) | ROW_PIECES) + text[at + taken :]


@settings(max_examples=examples(100, 2_000), deadline=None)
@given(nearly_rows())
def test_p10_rows_are_judged_by_their_separators_as_by_a_pattern(case: tuple[int, bytes]) -> None:
    columns, rows = case
    digest = rb"[0-9a-f]{64}"
    row = rb"(?!,*\n)" + rb",".join([rb"(?:%b)?" % digest] * columns) + rb"\n"
    assert are_wide_rows(rows, columns) is (re.fullmatch(rb"(?:" + row + rb")*", rows) is not None)


def test_long_list_is_verified_by_its_own_shape(tmp_path: Path) -> None:
    path, manifest = email_list(tmp_path, "a@example.com", "b@example.com", layout=Layout.LONG)
    verify_customer_list(path, manifest)
    good = path.read_bytes()
    path.write_bytes(with_line(good, 3, lambda line: line.replace(b"EMAIL_ID", b"DEVICE_ID")))
    with pytest.raises(CustomerListError, match="line 3"):
        verify_customer_list(path, manifest)
    path.write_bytes(with_line(good, 2, lambda _: b"EMAIL_ID_SHA256,\n"))
    with pytest.raises(CustomerListError, match="line 2"):
        verify_customer_list(path, manifest)


def test_line_is_named_right_in_a_file_of_many_pieces(tmp_path: Path) -> None:
    """The file is read four megabytes at a time; 70,000 rows are four and a half."""
    path, manifest = email_list(tmp_path, *(f"p{n}@example.com" for n in range(70_000)))
    verify_customer_list(path, manifest)
    good = path.read_bytes()
    for number in (64_000, 64_530, 69_999, 70_001):
        path.write_bytes(with_line(good, number, lambda line: b"x" + line[1:]))
        with pytest.raises(CustomerListError, match=f"line {number}: "):
            verify_customer_list(path, manifest)


def test_missing_list(tmp_path: Path) -> None:
    path, manifest = email_list(tmp_path, "a@example.com")
    path.unlink()
    with pytest.raises(CustomerListError, match="There is no customer list"):
        verify_customer_list(path, manifest)


def test_empty_list_verifies(tmp_path: Path) -> None:
    path, manifest = email_list(tmp_path)
    verify_customer_list(path, manifest)
    assert manifest.list_rows == 0
