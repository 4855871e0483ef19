"""What a process leaves that is killed, or whose disk is full, while it handles lists."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from spotify_pipeline.customer_list import SnapshotStore, write_identifiers
from spotify_pipeline_tests.customer_list.making import EMAIL_ONLY, emails, names_below
from spotify_pipeline_tests.customer_list.snapshots import WEEKS, materialize


def test_p08_next_build_sweeps_what_a_killed_one_left(tmp_path: Path) -> None:
    killed = """
        import os, signal, sys
        from pathlib import Path
        from spotify_pipeline.customer_list import write_identifiers
        from spotify_pipeline_tests.customer_list.making import EMAIL_ONLY, emails

        def batches():
            yield emails("canary@example.com")
            os.kill(os.getpid(), signal.SIGKILL)

        write_identifiers(batches(), EMAIL_ONLY, Path(sys.argv[1]))
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(killed), tmp_path / "a.parquet"], check=False)
    assert done.returncode == -9
    left = names_below(tmp_path)
    assert left
    assert "a.parquet" not in left
    write_identifiers([emails("a@example.com")], EMAIL_ONLY, tmp_path / "b.parquet")
    assert names_below(tmp_path) == {"b.parquet"}


@pytest.mark.parametrize("stage", ["identifiers", "list"])
def test_full_disk_is_said_plainly_and_cleaned_up(tmp_path: Path, stage: str) -> None:
    """A limit on the size of files stands for the full disk: the same system call fails in the same place."""
    limited = """
        import resource, signal, sys
        from pathlib import Path
        from spotify_pipeline.customer_list import CustomerListError, write_identifiers
        from spotify_pipeline.home import HomeError
        from spotify_pipeline_tests.customer_list.making import EMAIL_ONLY, build, emails

        stage, folder = sys.argv[1], Path(sys.argv[2])
        table = emails(*(f"canary{n}@example.com" for n in range(50_000)))
        report = write_identifiers([table], EMAIL_ONLY, folder / "whole.parquet") if stage == "list" else None
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
        try:
            if stage == "list":
                build(folder / "whole.parquet", report, folder / "list.csv")
            else:
                write_identifiers([table], EMAIL_ONLY, folder / "a.parquet")
        except (CustomerListError, HomeError) as error:
            print(error)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(limited), stage, tmp_path], check=True, capture_output=True, text=True
    )
    assert "File too large" in done.stdout
    assert "Free some space" in done.stdout
    assert "canary" not in done.stdout + done.stderr
    assert names_below(tmp_path) == ({"whole.parquet"} if stage == "list" else set())


def test_p08_what_a_killed_comparison_left_is_deleted_by_the_next_run_of_any_audience(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path)
    killed = f"""
import os, pathlib
from spotify_pipeline.customer_list import SnapshotStore
with SnapshotStore(pathlib.Path({str(tmp_path)!r})).comparison_directory() as folder:
    (folder / "0.rows").write_bytes(b"somebody")
    os.kill(os.getpid(), 9)
"""
    subprocess.run([sys.executable, "-c", killed], check=False)
    assert any(each.name == "0.rows" for each in tmp_path.rglob("*"))
    store.sweep("people")
    assert not any(each.is_file() for each in tmp_path.rglob("*"))
    assert store.audiences() == []


def test_p08_parts_of_a_killed_run_are_swept(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path)
    materialize(store, "lapsed", WEEKS[0], people=3)
    killed = """
        import os, signal, sys
        from pathlib import Path
        from spotify_pipeline.customer_list import SnapshotStore, split_list

        store, key = SnapshotStore(Path(sys.argv[1])), sys.argv[2]
        with store.parts_directory("lapsed", key) as folder:
            split_list(store.list_path("lapsed", key), store.manifest("lapsed", key), 2, folder)
            os.kill(os.getpid(), signal.SIGKILL)
    """
    before = names_below(tmp_path)
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(killed), tmp_path, WEEKS[0]], check=False)
    assert done.returncode == -signal.SIGKILL
    assert any(name.endswith("part-1-of-2.csv") for name in names_below(tmp_path))
    assert store.sweep("lapsed") == 1
    assert names_below(tmp_path) == before
