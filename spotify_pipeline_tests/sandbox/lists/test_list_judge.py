"""How a customer list is read: layouts, strict and lenient, faults, and counts that agree with a plain recount."""

from __future__ import annotations

import io
import json
import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spotify_pipeline.sandbox.config import ListFormat, SandboxConfig
from spotify_pipeline.sandbox.lists.judge import judge
from spotify_pipeline.sandbox.lists.layouts import BLOCK_BYTES, LONGEST_LINE, OVERLONG, lines_of
from spotify_pipeline.sandbox.lists.tally import DIGEST_OF_NOTHING
from spotify_pipeline.sandbox.store.listeners import DEVICE_ID, EMAIL, PHONE, TOKENS, Listeners, size_range
from spotify_pipeline.sandbox.store.records import Judgement
from spotify_pipeline_tests.examples import examples
from spotify_pipeline_tests.sandbox.visitor import digest, email_list

STRICT, LENIENT = ListFormat.STRICT, ListFormat.LENIENT
LISTENERS = Listeners.of(SandboxConfig())
A, B, C = digest("a"), digest("b"), digest("c")


def verdict(content: bytes | str, list_format: ListFormat = STRICT, minimum_rows: int = 1) -> Judgement:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "list"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return judge(path, list_format, LISTENERS, minimum_rows)


def faults(judgement: Judgement) -> dict[str, tuple[int, int | None]]:
    return {problem.kind: (problem.count, problem.first_line) for problem in judgement.problems}


def test_the_documented_sample_is_read_without_a_fault() -> None:
    """Email and phone on one row, email and device on the other."""
    content = (
        "EMAIL_ID_SHA256,PHONE_NUMBER_SHA256,DEVICE_ID_SHA256\n"
        "b4c9a289323b21a01c3e940f150eb9b8c542587f1abfd8f0e1cc1ffc5e475514,"
        "50389806e2857c36e22b0a1ed1e7df8606ebc0e931f6c083e73486f7a87d9a9f,\n"
        "831f6494ad6be4fcb3a724c3d5fef22d3ceffa3c62ef3a7984e45a0ea177f982,,"
        "6cd6140c54b2741b81b0099b232a3ddaeed82df456f43563574877baec22b632\n"
    )
    read = verdict(content)
    assert (read.layout, read.rows, read.usable_rows) == ("wide", 2, 2)
    assert read.digests == {EMAIL: 2, PHONE: 1, DEVICE_ID: 1}
    assert (read.problems, read.refusal) == ((), None)


@pytest.mark.parametrize(
    "content",
    [
        f"{EMAIL}\n{A}\n{B}",
        f"{EMAIL}\r\n{A}\r\n{B}\r\n",
        f'"{EMAIL}"\n"{A}"\n"{B}"\n',
        f"{PHONE},{EMAIL}\n,{A}\n,{B}\n",
    ],
)
def test_line_ends_quotes_and_order_of_columns_do_not_matter(content: str) -> None:
    read = verdict(content)
    assert (read.usable_rows, read.digests[EMAIL], read.problems) == (2, 2, ())


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        (f"{A},{B}", "cell_count"),
        ("", "empty_row"),
        ("jane@example.com", "raw_identifier"),
        ("+14155550100", "raw_identifier"),
        (A[:-1], "not_a_digest"),
        (A[:-1] + "g", "not_a_digest"),
        (f" {A}", "not_a_digest"),
        (A.upper(), "upper_case_digest"),
        (DIGEST_OF_NOTHING.decode(), "digest_of_nothing"),
        ("x" * 70_000, "overlong_line"),
        ("é\x00\N{GRINNING FACE}", "not_a_digest"),
    ],
)
def test_p10_a_row_that_is_no_digest_is_noted_with_its_line_and_passed_over(row: str, kind: str) -> None:
    read = verdict(f"{EMAIL}\n{B}\n{row}\n{C}\n{row}\n")
    assert faults(read) == {kind: (2, 3)}
    assert (read.rows, read.usable_rows, read.digests[EMAIL]) == (4, 2, 2)
    assert read.refusal is None


def test_p11_no_cell_is_ever_repeated_in_a_verdict() -> None:
    read = verdict(f"{EMAIL}\njane@example.com\n{A}\nzz-canary\n")
    assert "jane" not in repr(read)
    assert "canary" not in repr(read)
    assert A not in repr(read)


def test_the_rest_of_a_row_counts_where_one_cell_is_bad() -> None:
    read = verdict(f"{EMAIL},{PHONE}\njane@example.com,{A}\n")
    assert (read.usable_rows, read.digests) == (1, {EMAIL: 0, PHONE: 1, DEVICE_ID: 0})


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", "empty_file"),
        (f"{EMAIL}\n".encode(), "empty_file"),
        (f"{A}\n{B}\n".encode(), "layout_not_accepted"),
        (f"type,value\n{EMAIL},{A}\n".encode(), "layout_not_accepted"),
        (f'{{"{EMAIL}": "{A}"}}\n'.encode(), "layout_not_accepted"),
        (f"email\n{A}\n".encode(), "no_header"),
        (f"{EMAIL.lower()}\n{A}\n".encode(), "no_header"),
        (f"{EMAIL};{PHONE}\n{A};{B}\n".encode(), "no_header"),
        (f"{EMAIL},name\n{A},x\n".encode(), "unknown_column"),
        (f"{EMAIL},{EMAIL}\n{A},{B}\n".encode(), "repeated_column"),
        (b"\xef\xbb\xbf" + f"{EMAIL}\n{A}\n".encode(), "byte_order_mark"),
        (b"\x1f\x8b\x08\x00compressed", "no_header"),
    ],
)
def test_a_list_that_strict_reading_does_not_take_is_refused_whole(content: bytes, kind: str) -> None:
    read = verdict(content)
    assert kind in faults(read)
    assert read.refusal
    assert read.matched_rows == 0


@pytest.mark.parametrize(
    ("content", "layout"),
    [
        (f"{EMAIL}\n{A}\n{B}\n", "wide"),
        (f"type,value\n{EMAIL},{A}\n{EMAIL},{B}\n", "long"),
        (f"{A}\n{B}\n", "single_column"),
        (json.dumps({EMAIL: A}) + "\n" + json.dumps({"email_sha256": B}) + "\n", "ndjson"),
        (f"\N{BYTE ORDER MARK}{EMAIL}\n{A}\n{B}\n", "wide"),
        (f"{EMAIL}\n{A.upper()}\n{B.upper()}\n", "wide"),
    ],
)
def test_lenient_reading_takes_every_layout_and_says_which(content: str, layout: str) -> None:
    read = verdict(content, LENIENT)
    assert (read.layout, read.rows, read.usable_rows, read.refusal) == (layout, 2, 2, None)
    assert sum(read.digests.values()) == 2
    assert read.matched_rows == verdict(f"{EMAIL}\n{A}\n{B}\n").matched_rows


def test_lenient_reading_notes_faults_in_every_layout() -> None:
    long = verdict(f"type,value\n{EMAIL},{A}\nemail,{B}\n{EMAIL}\n{PHONE},\n", LENIENT)
    assert faults(long) == {"unknown_type": (1, 3), "cell_count": (1, 4), "empty_row": (1, 5)}
    ndjson = verdict(f'{{"{EMAIL}": "{A}"}}\nnonsense\n[]\n{{"other": 1}}\n', LENIENT)
    assert faults(ndjson) == {"not_json": (2, 2), "empty_row": (1, 4)}


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        (r'{"email_sha256": "\ud800"}', "not_a_digest"),
        ("[" * 60_000, "not_json"),
        ('{"email_sha256": ' * 3_000, "not_json"),
        ("1" * 5_000, "not_json"),
        ("x" * 70_000, "not_json"),
    ],
)
def test_p10_one_bad_line_of_json_costs_its_own_row_only(line: str, kind: str) -> None:
    good = json.dumps({"email_sha256": A})
    read = verdict(f"{good}\n{line}\n{good}\n", LENIENT)
    assert faults(read) == {kind: (1, 2)}
    assert (read.rows, read.usable_rows, read.refusal) == (3, 2, None)


def test_p11_a_list_at_which_reading_fails_is_unreadable_and_only_the_kind_of_failure_is_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    class Confused(Listeners):
        def include(self, token: str, digest: bytes) -> bool:
            raise LookupError(f"{token} {digest.decode()}")

    path = tmp_path / "list"
    path.write_bytes(email_list(5))
    read = judge(path, LENIENT, Confused.of(SandboxConfig()), 1)
    assert (read.layout, read.list_format, read.matched_rows) == ("unreadable", "lenient", 0)
    assert faults(read) == {"unreadable": (1, None)}
    assert read.refusal
    assert "LookupError" in caplog.text
    assert digest("person0@example.com") not in caplog.text + repr(read)


def test_the_minimum_counts_usable_rows() -> None:
    content = email_list(10) + b"nonsense\n"
    assert verdict(content, minimum_rows=10).refusal is None
    short = verdict(content, minimum_rows=11)
    assert "too_few_rows" in faults(short)
    assert (short.rows, short.usable_rows, short.matched_rows) == (11, 10, 0)


cells = st.one_of(
    st.just(""),
    st.integers(0, 50).map(lambda number: digest(str(number))),
    st.sampled_from(["nonsense", A.upper(), "a@example.com", DIGEST_OF_NOTHING.decode()]),
)


@settings(max_examples=examples(50, 150))
@given(
    columns=st.permutations(TOKENS).flatmap(lambda order: st.integers(1, 3).map(lambda count: order[:count])),
    rows=st.lists(st.tuples(cells, cells, cells), max_size=30),
)
def test_counts_agree_with_a_plain_recount(columns: list[str], rows: list[tuple[str, str, str]]) -> None:
    cut = [row[: len(columns)] for row in rows]
    content = "\n".join([",".join(columns), *(",".join(row) for row in cut)]) + "\n"
    good = {digest(str(number)) for number in range(51)}
    usable = [row for row in cut if any(cell in good for cell in row)]
    matched = [
        row
        for row in usable
        if any(
            cell in good and LISTENERS.include(token, cell.encode()) for token, cell in zip(columns, row, strict=True)
        )
    ]

    read = verdict(content)

    assert (read.rows, read.usable_rows) == (len(rows), len(usable))
    assert read.matched_rows == len(matched)
    for token in TOKENS:
        index = columns.index(token) if token in columns else None
        expected = 0 if index is None else sum(row[index] in good for row in rows)
        assert read.digests[token] == expected


@settings(max_examples=examples(50, 200))
@given(st.binary(max_size=400) | st.text("ab\r\n,", max_size=400).map(str.encode))
def test_lines_are_those_between_line_breaks(content: bytes) -> None:
    expected = content.split(b"\n")
    if expected[-1] == b"":
        expected.pop()
    assert list(lines_of(io.BytesIO(content))) == [line.removesuffix(b"\r") for line in expected]


@pytest.mark.parametrize("length", [LONGEST_LINE, LONGEST_LINE + 1, 5 << 20])
def test_lines_stay_whole_across_blocks_and_long_ones_are_dropped(length: int) -> None:
    fill = os.urandom(50).hex().encode()
    ordinary = [fill] * 15_000
    long = b"x" * length
    content = b"\n".join([*ordinary, long, *ordinary])
    found = list(lines_of(io.BytesIO(content)))
    assert found == [*ordinary, long if length <= LONGEST_LINE else OVERLONG, *ordinary]


def test_a_long_line_that_ends_with_a_block_is_still_one_line() -> None:
    content = b"x" * (3 * BLOCK_BYTES) + b"\nafter\n" + b"y" * (2 * BLOCK_BYTES)
    assert list(lines_of(io.BytesIO(content))) == [OVERLONG, b"after", OVERLONG]


def test_any_bytes_at_all_get_a_verdict() -> None:
    for seed in range(30):
        content = os.urandom(seed * 46)
        for list_format in ListFormat:
            assert verdict(content, list_format).usable_rows == 0
            assert verdict(f"{EMAIL}\n".encode() + content, list_format).usable_rows == 0


def test_matching_is_steady_and_its_share_is_the_configured_one() -> None:
    digests = [digest(f"person{number}@example.com").encode() for number in range(5_000)]
    matched = [LISTENERS.include(EMAIL, one) for one in digests]
    assert matched == [Listeners.of(SandboxConfig()).include(EMAIL, one) for one in digests]
    assert 0.43 < sum(matched) / len(matched) < 0.47
    other = Listeners.of(SandboxConfig(listener_seed="another"))
    assert matched != [other.include(EMAIL, one) for one in digests]
    nobody, all_of_them = (Listeners.of(SandboxConfig(phone_share=share)) for share in (0, 1))
    assert not any(nobody.include(PHONE, one) for one in digests)
    assert all(all_of_them.include(PHONE, one) for one in digests)


@given(st.integers(1, 10**9))
def test_a_size_range_holds_the_count_and_hides_it(matched: int) -> None:
    shown = size_range(matched)
    assert shown.minimum <= matched < shown.maximum
    assert shown.maximum - shown.minimum >= max(100, matched / 100)
    assert shown.minimum % 100 == shown.maximum % 100 == 0


def test_nobody_is_shown_as_zero() -> None:
    assert size_range(0).as_json() == {"min": 0, "max": 0}
