"""Who decides, and why: the same is asked for at a command and in a run's configuration."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spotify_pipeline.mirror import MirrorRefused, validated_name, validated_reason


@pytest.mark.parametrize("reason", ["", "   ", "ok", "because", " a b c d ", "\n" * 20, "\u00a0" * 20])
def test_a_reason_says_something(reason: str) -> None:
    with pytest.raises(MirrorRefused, match="Give a reason of at least 10 characters"):
        validated_reason(reason)


@pytest.mark.parametrize("name", ["", "  ", "\t\n", "\u3000"])
def test_somebody_is_named(name: str) -> None:
    with pytest.raises(MirrorRefused, match="Say who decides: the name is empty"):
        validated_name(name)


@pytest.mark.parametrize("hidden", ["\x1b]0;x\x07", "\x00", "\u200b", "\u202e", "\x7f", "\ud800", "\ufeff"])
def test_what_cannot_be_shown_is_refused_and_not_repeated(hidden: str) -> None:
    for stated in (validated_reason, validated_name):
        with pytest.raises(MirrorRefused, match="holds control characters or others that cannot be shown") as refused:
            stated(f"A join {hidden} was lost")
        assert hidden not in str(refused.value)


def test_lines_become_one() -> None:
    assert validated_reason("  The segment\n lost\u00a0a\tjoin ") == "The segment lost a join"
    assert validated_name(" Zoë  O’Neill ") == "Zoë O’Neill"


@given(st.text())
def test_what_passes_is_one_line_that_can_be_shown_and_passes_again(text: str) -> None:
    try:
        said = validated_reason(text)
    except MirrorRefused:
        return
    assert said.isprintable()
    assert len(said) >= 10
    assert validated_reason(said) == said
