"""What Dagster shows of an audience is printable, and a name is no Markdown, whatever somebody called it."""

from __future__ import annotations

import dagster as dg
import pytest

from spotify_pipeline.components.failures import sanitized_failures
from spotify_pipeline.components.metadata import audience_state, counts_table, markdown_table, without_small_counts
from spotify_pipeline.components.yaml.errors import config_error
from spotify_pipeline.mirror import MirrorRefused
from spotify_pipeline.spotify import Audience

ID = "0c4bb5f2-96f0-4d3a-8ad8-3f5f5b6f8a77"
NAMES = ["\x1b]0;x\x07", "a\u202eb", "a\x9bb\x7f", "two\nlines\t", "a | b", "<script>alert(1)</script>", "`a`",
         "[a](https://example.com)"]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_an_audience_is_shown_on_printable_lines(name: str) -> None:
    audience = Audience.from_json({"id": ID, "name": name, "status": name, "type": name})
    shown = [each.value for each in audience_state(audience).values()]
    assert all(isinstance(each, str) and each.isprintable() for each in shown)


@pytest.mark.parametrize("name", NAMES)
def test_a_name_stays_within_its_cell(name: str) -> None:
    for table in (counts_table("rows", [(name, 100)]), markdown_table(("what", "rows"), [(name, "100")])):
        *_, line = table.splitlines()
        assert len(table.splitlines()) == 3
        assert line.count("|") == 3
        assert line.isprintable()
        assert not set("<`[") & set(line)


@pytest.mark.parametrize("name", NAMES)
def test_receipts_are_shown_printable(name: str) -> None:
    shown = without_small_counts({"name": name, "list": [{"name": name}]})
    assert shown["name"].isprintable()
    assert shown["list"][0]["name"].isprintable()


@pytest.mark.parametrize("name", NAMES)
def test_a_failure_is_said_in_printable_lines(name: str) -> None:
    with pytest.raises(dg.Failure) as caught, sanitized_failures():
        raise MirrorRefused(f"There is no column {name}, but {name}\ud800.")
    sentence = str(caught.value.description)
    assert all(line.isprintable() for line in sentence.replace("\t", " ").splitlines())
    assert sentence.encode()


class _Context:
    """Of a component whose positions in the file are not known."""

    class resolution_context:  # noqa: N801
        source_position_tree = None


@pytest.mark.parametrize("name", NAMES)
def test_a_mistake_in_the_yaml_is_said_in_printable_lines(name: str) -> None:
    error = config_error(_Context(), ("segment",), f"there is no column {name}\ud800")  # type: ignore[arg-type]
    assert all(line.isprintable() for line in str(error).replace("\t", " ").splitlines())
