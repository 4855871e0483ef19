"""What others wrote is made fit to be shown: at the terminal, in a log, in Markdown."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spotify_pipeline.printable import markdown_cell, printable, without_surrogates

ANYTHING = st.text(st.characters())  # surrogates, controls, direction, all
HARMLESS = ["Lapsed subscribers", "Café – 2026", "日本のリスナー", "Слушатели", "مستمعون", "50 % | off", "👍"]


@given(ANYTHING)
def test_whatever_comes_in_what_comes_out_is_one_printable_line(text: str) -> None:
    shown = printable(text)
    assert shown.isprintable()
    shown.encode()
    assert printable(shown) == shown


@given(ANYTHING)
def test_lines_stay_where_they_are_wanted_and_nothing_else_does(text: str) -> None:
    shown = printable(text, lines=True)
    assert all(each.isprintable() or each in "\n\t" for each in shown)
    assert shown.count("\n") == text.count("\n")


@given(ANYTHING)
def test_no_control_format_or_surrogate_character_is_left(text: str) -> None:
    assert not {"Cc", "Cf", "Cs", "Zl", "Zp"} & {unicodedata.category(each) for each in printable(text)}


@pytest.mark.parametrize("text", HARMLESS)
def test_what_can_be_seen_stays_as_it_is(text: str) -> None:
    assert printable(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b]0;x\x07", r"\x1b]0;x\x07"),
        ("\x1b[31mred", r"\x1b[31mred"),
        ("\x9b31m", r"\x9b31m"),
        ("a\x7fb", r"a\x7fb"),
        ("a\u202eb\u2066c", r"a\u202eb\u2066c"),
        ("a\ud800b", r"a\ud800b"),
        ("a\r\nb\tc", "a  b c"),
        ("a\u2028b", r"a\u2028b"),
        ("a\u00a0b", "a b"),
        ("\U000e0041", r"\U000e0041"),
        ("\x00", r"\x00"),
    ],
)
def test_what_cannot_be_seen_is_shown_as_its_escape(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(ANYTHING)
def test_a_text_without_surrogates_can_be_written(text: str) -> None:
    written = without_surrogates(text)
    written.encode()
    assert len(written) <= len(text)
    if all(unicodedata.category(each) != "Cs" for each in text):
        assert written == text


@given(ANYTHING)
def test_a_cell_has_no_meaning_in_markdown(text: str) -> None:
    cell = markdown_cell(text)
    assert cell.isprintable()
    assert not set(r"\`*[]<>|~@") & set(cell)
    assert "://" not in cell


@pytest.mark.parametrize(
    "text",
    ["a|b", "<script>alert(1)</script>", "`code`", "[link](https://example.com)", "*bold*", "_leaning_", "&lt;",
     "https://example.com", "www.example.com", "anna@example.com", "~~gone~~", "![](x)", r"\|"],
)  # fmt: skip
def test_markup_is_shown_and_not_read(text: str) -> None:
    cell = markdown_cell(text)
    assert cell != text
    assert all(each not in cell for each in ("|", "<", "`", "](", "*", "https://", "www.", "@"))


def test_a_name_of_plain_words_is_the_same_in_a_cell() -> None:
    assert markdown_cell("high_value 50 % (SE)") == "high_value 50 % (SE)"
