"""Changes the code of the guards' decision in every small way that mutmut knows, and asks whether a test notices.

``python -m spotify_pipeline_tests.mirror.guards.mutation [FOLDER]`` works on a copy of the project in FOLDER (else in
one of its own that is removed again), prints the score and each change that no test noticed, and ends with 1 where the
score is below 90 %. It takes minutes.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[3]
TESTS = "spotify_pipeline_tests/mirror/guards"
DECIDING = ("base", "changes", "comparison_guards", "evaluate", "list_guards", "words")
"""Modules that make up the decision."""
BY = ("test_decide", "test_comparisons", "test_list_checks", "test_sentences")
"""Test modules that are to notice."""
NEEDED = 0.90
_NOTICED = frozenset({"killed", "timeout", "caught by type check"})


def main() -> int:
    """Run it; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, help="where to work; kept afterwards")
    folder = parser.parse_args().folder
    if folder is not None:
        return _measure(folder)
    with tempfile.TemporaryDirectory() as temporary:
        return _measure(Path(temporary))


def _measure(folder: Path) -> int:
    copy = folder / "project"
    _copy(copy)
    mutmut = [sys.executable, "-m", "mutmut"]
    subprocess.run([*mutmut, "run"], cwd=copy, check=True, stdout=sys.stderr)
    results = subprocess.run(
        [*mutmut, "results", "--all", "true"], cwd=copy, check=True, capture_output=True, text=True
    )
    outcomes = dict(line.strip().rsplit(": ", 1) for line in results.stdout.splitlines() if ": " in line)
    unnoticed = [name for name, outcome in outcomes.items() if outcome not in _NOTICED]
    for name in unnoticed:
        change = subprocess.run([*mutmut, "show", name], cwd=copy, check=True, capture_output=True, text=True).stdout
        sys.stdout.write(f"{outcomes[name]}: {name}\n{change}\n")
    score = 1 - len(unnoticed) / len(outcomes)
    summary = {"changes": len(outcomes), "by outcome": Counter(outcomes.values()), "score": round(score, 4)}
    sys.stdout.write(json.dumps(summary) + "\n")
    return 0 if score >= NEEDED else 1


def _copy(copy: Path) -> None:
    """What the tests need, with mutmut's settings beside it."""
    shutil.rmtree(copy, ignore_errors=True)
    leftovers = shutil.ignore_patterns("__pycache__")
    shutil.copytree(PROJECT / "spotify_pipeline", copy / "spotify_pipeline", ignore=leftovers)
    shutil.copytree(PROJECT / TESTS, copy / TESTS, ignore=leftovers)
    for package in Path(TESTS).parents:
        if package.name:
            shutil.copy(PROJECT / package / "__init__.py", copy / package / "__init__.py")
    mutated = "\n    ".join(f"spotify_pipeline/mirror/guards/{name}.py" for name in DECIDING)
    tests = "\n    ".join(f"{TESTS}/{name}.py" for name in BY)
    (copy / "setup.cfg").write_text(
        "[mutmut]\nsource_paths=spotify_pipeline\nalso_copy=spotify_pipeline_tests\n"
        f"only_mutate=\n    {mutated}\npytest_add_cli_args_test_selection=\n    {tests}\n"
        "use_git_change_detection=false\n"
    )


if __name__ == "__main__":
    sys.exit(main())
