"""W17: a list is compared with as it was sent, though people were erased from its file; and thinned copies of it."""

from __future__ import annotations

import tempfile
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spotify_pipeline.customer_list import (
    CustomerListError,
    Layout,
    SnapshotStore,
    compare_lists,
    overlap,
    redact_list,
    redacted_copy,
    verify_customer_list,
)
from spotify_pipeline.customer_list.read.sent_version import erased_rows, sent_version
from spotify_pipeline.customer_list.store.archive import set_aside
from spotify_pipeline_tests.customer_list.making import NOW, email_list
from spotify_pipeline_tests.customer_list.people import PEOPLE, VALUES, digest_set, list_of
from spotify_pipeline_tests.customer_list.snapshots import WEEKS, materialize
from spotify_pipeline_tests.examples import examples
from spotify_pipeline_tests.on_disk import on_disk

LATER = NOW + timedelta(days=1)
A, B, C, D = (f"{name}@example.com" for name in "abcd")


@settings(max_examples=examples(8, 60))
@given(people=PEOPLE, new=PEOPLE, erased=st.lists(VALUES, max_size=3), layout=st.sampled_from(Layout))
def test_w17_whoever_is_erased_a_list_compares_as_it_was_sent(people, new, erased, layout: Layout) -> None:
    with tempfile.TemporaryDirectory() as name:
        path, sent = list_of(Path(name) / "sent", people, layout)
        other = list_of(Path(name) / "new", new, layout)
        before = compare_lists((path, sent), other)
        kept = sent
        for values in erased:
            kept = redact_list(path, kept, digest_set(values), sent=[sent.sha256])
        known = sent_version((path, kept), sent.sha256)
        assert known is not None
        assert known.manifest == sent
        after = compare_lists(known, other)
        assert (after, after.types) == (before, before.types)
        assert len(list(path.parent.glob("erased-*"))) == (kept != sent)
        verify_customer_list(path, kept)


def test_w17_a_list_sent_twice_of_one_file_is_known_as_each(tmp_path: Path) -> None:
    path, first = email_list(tmp_path, A, B, C, D)
    second = redact_list(path, first, digest_set([A]), sent=[first.sha256])
    third = redact_list(path, second, digest_set([B]), sent=[first.sha256, second.sha256])
    new = email_list(tmp_path / "new", A, B, C)
    shares = {}
    for manifest in (first, second, third):
        known = sent_version((path, third), manifest.sha256)
        assert known is not None
        assert known.manifest.list_rows == manifest.list_rows
        shares[manifest.list_rows] = compare_lists(known, new).removed
    assert shares == {4: 1, 3: 1, 2: 1}
    assert sent_version((path, third), "0" * 64) is None


def test_a_list_that_is_compared_with_nothing_keeps_nobody_in_mind(tmp_path: Path) -> None:
    path, manifest = email_list(tmp_path, A, B)
    left = redact_list(path, manifest, digest_set([A]), sent=["0" * 64])
    assert (left.sent_versions, erased_rows((path, left))) == ((), None)
    assert list(path.parent.glob("erased-*")) == []


def test_w17_erased_people_and_those_confirmed_are_counted_with_all_their_rows(tmp_path: Path) -> None:
    people = [
        {"email": A, "phone": "+12025550101"},
        {"email": B, "phone": "+12025550101"},
        {"email": C, "phone": "+12025550102"},
        {"email": D, "phone": "+12025550103"},
    ]
    path, sent = list_of(tmp_path / "sent", people)
    kept = redact_list(path, sent, digest_set([A, C]), sent=[sent.sha256])
    known = sent_version((path, kept), sent.sha256)
    assert known is not None
    change = compare_lists(known, (path, kept), erased=digest_set([A, C]), confirmed=digest_set([A]))
    assert (change.staying, change.removed, change.erased, change.confirmed) == (1, 3, 3, 2)
    emails, phones = change.types["email"], change.types["phone"]
    assert (emails.before, emails.now, emails.confirmed, emails.removed) == (4, 1, 2, 1)
    assert (phones.before, phones.now, phones.confirmed, phones.removed) == (3, 1, 1, 1)


@pytest.mark.parametrize("damage", [None, b"", b"PAR1"])
def test_w08_a_list_of_which_it_is_not_known_who_was_erased_compares_with_nothing(
    tmp_path: Path, damage: bytes | None
) -> None:
    path, sent = email_list(tmp_path, A, B)
    kept = redact_list(path, sent, digest_set([A]), sent=[sent.sha256])
    (file,) = path.parent.glob("erased-*")
    file.unlink() if damage is None else file.write_bytes(damage)
    known = sent_version((path, kept), sent.sha256)
    assert known is not None
    with pytest.raises(CustomerListError, match="Who was erased"):
        overlap(known, (path, kept))
    with pytest.raises(CustomerListError, match="Who was erased"):
        redact_list(path, kept, digest_set([B]), sent=[sent.sha256])


def test_w18_a_digest_that_many_rows_share_proves_nobody_where_there_is_another(tmp_path: Path) -> None:
    def shop(first: int, rows: int = 22) -> list[dict]:
        return [{"email": f"p{first + n}@example.com", "phone": f"+1202555010{n % 2}"} for n in range(rows)]

    old, strangers = list_of(tmp_path / "old", shop(0)), list_of(tmp_path / "new", shop(100))
    assert compare_lists(old, strangers).staying == 0
    few = list_of(tmp_path / "few", shop(200, 20)), list_of(tmp_path / "others", shop(300, 20))
    assert compare_lists(*few).staying == 20
    known_by_nothing_else = list_of(tmp_path / "phones", [{"phone": "+12025550100"}])
    assert compare_lists(old, known_by_nothing_else).staying == 1


@pytest.fixture
def store(tmp_path: Path) -> SnapshotStore:
    return SnapshotStore(tmp_path / "data")


def stored(store: SnapshotStore, snapshot: str = WEEKS[0]):
    return on_disk(store.list_path("lapsed", snapshot)), store.manifest("lapsed", snapshot)


def test_w17_a_thinned_list_is_a_file_of_its_own_and_always_the_same(store: SnapshotStore) -> None:
    materialize(store, "lapsed", WEEKS[0], people=4)
    whole = stored(store)
    before = whole[0].read_bytes(), whole[0].with_name("manifest.json").read_bytes()
    path, manifest = redacted_copy(store, whole, digest_set([B]), issued_at=LATER)
    assert (whole[0].read_bytes(), whole[0].with_name("manifest.json").read_bytes()) == before
    assert (manifest.snapshot, manifest.list_rows, manifest.built_at) == (WEEKS[0], 3, LATER)
    assert manifest.issued_from is not None
    assert manifest.issued_from.sha256 == whole[1].sha256
    verify_customer_list(path, manifest)
    assert redacted_copy(store, whole, digest_set([B]), issued_at=NOW)[0] == path
    assert redacted_copy(store, whole, digest_set(["nobody@example.com"]), issued_at=NOW) == whole
    assert store.find_sent("lapsed", manifest.sha256) is not None
    assert store.sweep("lapsed") == 0
    with pytest.raises(CustomerListError, match="time zone"):
        redacted_copy(store, whole, digest_set([B]), issued_at=NOW.replace(tzinfo=None))


def test_thinned_lists_go_but_for_the_newest_of_each_and_those_that_were_sent(store: SnapshotStore) -> None:
    for number, week in enumerate(WEEKS):
        materialize(store, "lapsed", week, NOW + timedelta(weeks=number), people=4 + number)
    sent = redacted_copy(store, stored(store), digest_set([A]), issued_at=NOW)[1].sha256
    redacted_copy(store, stored(store), digest_set([B]), issued_at=NOW)
    newest = redacted_copy(store, stored(store), digest_set([C]), issued_at=NOW)[1].sha256
    store.keep_lists("lapsed", 3, sent=[sent])
    names = store.snapshots("lapsed")
    assert names == sorted([*WEEKS, f"{WEEKS[0]} without {sent[:16]}", f"{WEEKS[0]} without {newest[:16]}"])
    store.keep_lists("lapsed", 2, sent=[sent])
    assert store.snapshots("lapsed") == sorted([*WEEKS[1:], f"{WEEKS[0]} without {sent[:16]}"])


def test_w17_a_list_of_the_window_is_set_aside_with_what_is_known_of_those_erased(store: SnapshotStore) -> None:
    sent = materialize(store, "lapsed", "once", people=4)
    redact_list(on_disk(store.list_path("lapsed", "once")), sent, digest_set([A]), sent=[sent.sha256])
    with set_aside(store, "lapsed", "once", sent=[sent.sha256]):
        materialize(store, "lapsed", "once", LATER, people=3)
    known = store.find_sent("lapsed", sent.sha256)
    assert known is not None
    assert known.manifest == sent
    assert compare_lists(known, known.stored).removed == 1
    assert list(on_disk(store.list_path("lapsed", "once")).parent.glob("erased-*")) == []
    store.keep_lists("lapsed", 1, sent=["0" * 64])
    assert store.find_sent("lapsed", sent.sha256) is None


def test_who_was_erased_is_known_no_longer_than_the_list_is_compared_with(store: SnapshotStore) -> None:
    sent = materialize(store, "lapsed", WEEKS[0], people=4)
    redact_list(on_disk(store.list_path("lapsed", WEEKS[0])), sent, digest_set([A]), sent=[sent.sha256])
    store.keep_lists("lapsed", 3, sent=[sent.sha256])
    folder = on_disk(store.list_path("lapsed", WEEKS[0])).parent
    assert len(list(folder.glob("erased-*"))) == 1
    store.keep_lists("lapsed", 3, sent=["0" * 64])
    assert list(folder.glob("erased-*")) == []
    assert store.manifest("lapsed", WEEKS[0]).sent_versions == ()
    assert store.manifest("lapsed", WEEKS[0]).list_rows == 3
