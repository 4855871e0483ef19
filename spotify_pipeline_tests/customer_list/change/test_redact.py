"""People taken out of a list that exists: nothing of them is left, and what is left is a list that may be sent."""

from __future__ import annotations

import hashlib
import tempfile
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spotify_pipeline.customer_list import (
    CustomerListError,
    Layout,
    Manifest,
    redact_list,
    rows_holding,
    verify_customer_list,
)
from spotify_pipeline_tests.customer_list.making import NOW, email_list, names_below
from spotify_pipeline_tests.customer_list.model import hexed
from spotify_pipeline_tests.customer_list.people import PEOPLE, VALUES, cells_in, digest_set, list_of, rows_in
from spotify_pipeline_tests.examples import examples

LATER = NOW + timedelta(days=3)


@settings(max_examples=examples(8, 80))
@given(people=PEOPLE, values=VALUES, layout=st.sampled_from(Layout))
def test_no_cell_of_the_withdrawn_is_left(people, values, layout: Layout) -> None:
    with tempfile.TemporaryDirectory() as name:
        path, manifest = list_of(Path(name), people, layout)
        before, old = rows_in(path), path.read_bytes()
        after_manifest = redact_list(path, manifest, digest_set(values))
        verify_customer_list(path, after_manifest)
        assert rows_holding((path, after_manifest), digest_set(values)) == 0
        after = rows_in(path)
        assert names_below(path.parent) == {"customer_list.csv", "manifest.json"}
        assert Manifest.from_json(path.with_name("manifest.json").read_bytes()) == after_manifest
        new = path.read_bytes()
    unwanted = set(map(hexed, values))
    hits = [row for row in before if any(digest in unwanted for _, digest in row)]
    gone = cells_in(hits) if layout is Layout.WIDE else {cell for row in hits for cell in row}
    assert after == [row for row in before if not row & gone]
    assert after_manifest.built_at == NOW
    assert after_manifest.rows_withdrawn == len(before) - len(after)
    if hits:
        assert after_manifest.former_sha256 == (hashlib.sha256(old).hexdigest(),)
        cells = [cell for row in after for cell in row]
        assert after_manifest.cells == {each: sum(kind == each for kind, _ in cells) for each in manifest.columns}
    else:
        assert new == old
        assert after_manifest is manifest


def test_who_shares_a_digest_goes_too_and_who_shares_with_those_stays(tmp_path: Path) -> None:
    people = [
        {"email": "a@example.com", "phone": "+12025550101"},
        {"email": "b@example.com", "phone": "+12025550101"},
        {"email": "b@example.com", "phone": "+12025550102"},
    ]
    path, manifest = list_of(tmp_path, people)
    left = redact_list(path, manifest, digest_set(["a@example.com"]))
    assert rows_in(path) == [{("email", hexed("b@example.com")), ("phone", hexed("+12025550102"))}]
    assert (left.list_rows, left.rows_withdrawn) == (1, 2)


def test_every_withdrawal_is_remembered(tmp_path: Path) -> None:
    path, first = email_list(tmp_path, *(f"p{n}@example.com" for n in range(5)))
    second = redact_list(path, first, digest_set(["p1@example.com"]))
    third = redact_list(path, second, digest_set(["p1@example.com", "p2@example.com"]))
    assert third.former_sha256 == (first.sha256, second.sha256)
    assert (third.rows_withdrawn, third.list_rows) == (2, 3)
    assert third.fingerprint == email_list(tmp_path / "b", *(f"p{n}@example.com" for n in (0, 3, 4)))[1].fingerprint


def test_everybody_may_be_withdrawn(tmp_path: Path) -> None:
    path, manifest = email_list(tmp_path, "a@example.com")
    left = redact_list(path, manifest, digest_set(["a@example.com"]))
    verify_customer_list(path, left)
    assert path.read_text() == "EMAIL_ID_SHA256\n"


def test_p09_what_is_rewritten_is_private(tmp_path: Path, open_umask: None) -> None:
    path, manifest = email_list(tmp_path, "a@example.com", "b@example.com")
    redact_list(path, manifest, digest_set(["a@example.com"]))
    assert {file.stat().st_mode & 0o777 for file in path.parent.iterdir()} == {0o600}


def test_a_changed_list_is_not_given_new_checksums(tmp_path: Path) -> None:
    """Else a withdrawal would make a list that nobody built look as if this project had."""
    path, manifest = email_list(tmp_path, "a@example.com", "b@example.com")
    tampered = path.read_bytes().replace(hexed("b@example.com").encode(), hexed("stranger").encode())
    path.write_bytes(tampered)
    for digests in (["a@example.com"], ["nobody@example.com"]):
        with pytest.raises(CustomerListError, match="changed after it was built"):
            redact_list(path, manifest, digest_set(digests))
    assert path.read_bytes() == tampered
    assert Manifest.from_json(path.with_name("manifest.json").read_bytes()) == manifest
