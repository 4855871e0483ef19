"""Each promise of docs/reference/requirements.md has a test that bears its code in its name.

`python -m spotify_pipeline_tests.test_requirements` lists the codes that only `make test-all` proves.
"""

import ast
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
PROMISES = TESTS.parent / "docs" / "reference" / "requirements.md"
CODE = re.compile(r"[a-z][0-9]{2}")
LEFT_OUT = {"e2e", "stress", "contract"}
"""`make test` leaves out the tests of these folders and marks."""


Test = ast.FunctionDef | ast.AsyncFunctionDef


def promised() -> list[str]:
    return re.findall(r"^\| ([A-Z][0-9]{2}) \|", PROMISES.read_text(encoding="utf-8"), flags=re.MULTILINE)


def proofs() -> dict[str, dict[str, bool]]:
    """By code: the tests whose names bear it (`test_u04_u05_...` proves both), and whether `make test` runs each."""
    found: dict[str, dict[str, bool]] = defaultdict(dict)
    for file in sorted(TESTS.rglob("test_*.py")):
        of_file = not LEFT_OUT.intersection(file.parts)
        for test in proving(ast.parse(file.read_text(encoding="utf-8"))):
            marks = {ast.unparse(each).removeprefix("pytest.mark.") for each in test.decorator_list}
            for code in codes(test.name):
                found[code][f"{file.relative_to(TESTS)}::{test.name}"] = of_file and not LEFT_OUT & marks
    return found


def codes(name: str) -> list[str]:
    return [part.upper() for part in takewhile(CODE.fullmatch, name.split("_")[1:])]


def proving(module: ast.Module) -> list[Test]:
    """A module's tests, less those that never run (`skip`) or may fail (`xfail`): they prove nothing."""
    return [] if any(map(set_aside, module.body)) else list(each_test(module.body))


def each_test(body: list[ast.stmt]) -> Iterator[Test]:
    """The tests of a module's or a class's body."""
    for node in body:
        if not isinstance(node, Test | ast.ClassDef):
            continue
        if any(map(names_mark, node.decorator_list)) or any(map(set_aside, node.body)):
            continue
        if isinstance(node, ast.ClassDef):
            yield from each_test(node.body)
        elif node.name.startswith("test_"):
            yield node


def set_aside(statement: ast.stmt) -> bool:
    """Whether a statement sets aside what it stands in: `pytestmark = ... skip`, or `pytest.skip(...)` by itself."""
    if isinstance(statement, ast.Assign):
        return any(ast.unparse(each) == "pytestmark" for each in statement.targets) and names_mark(statement.value)
    if not isinstance(statement, ast.Expr) or not isinstance(statement.value, ast.Call):
        return False
    return ast.unparse(statement.value.func) in {"pytest.skip", "pytest.xfail"}


def names_mark(expression: ast.expr) -> bool:
    """Whether an expression holds `mark.skip` or `mark.xfail`. A `skipif` with a real condition is none."""
    return any(re.search(r"(^|\.)mark\.(skip|xfail)$", ast.unparse(node)) for node in ast.walk(expression))


@pytest.mark.parametrize(
    "source",
    [
        "@pytest.mark.skip\ndef test_c01_a(): ...",
        "@pytest.mark.slow\n@pytest.mark.skip(reason='later')\ndef test_c01_a(): ...",
        "@pytest.mark.xfail(strict=False)\ndef test_c01_a(): ...",
        "def test_c01_a():\n    pytest.skip('later')\n    assert x",
        "pytestmark = [pytest.mark.xfail]\ndef test_c01_a(): ...",
        "@pytest.mark.skip\nclass TestIt:\n    def test_c01_a(self): ...",
    ],
)
def test_a_test_that_is_set_aside_proves_nothing(source: str) -> None:
    assert proving(ast.parse(source)) == []


def test_a_test_that_runs_wherever_it_can_is_a_proof() -> None:
    source = "@pytest.mark.skipif(os.geteuid() != 0, reason='')\nasync def test_c01_c02_a():\n    assert x"
    (test,) = proving(ast.parse(source))
    assert codes(test.name) == ["C01", "C02"]


def test_no_promise_is_listed_twice() -> None:
    codes = promised()
    assert len(codes) == len(set(codes)) > 110


def test_every_promise_has_a_proof_and_every_code_of_a_test_is_a_promise() -> None:
    found, listed = proofs(), set(promised())
    unproven = sorted(listed - set(found))
    assert not unproven, f"no test is named test_<code>_... for {unproven}; write one, or take it out of {PROMISES}"
    assert not {code for code in found if code[0] in "UOCRSWP"} - listed


if __name__ == "__main__":
    found = proofs()
    for code in promised():
        if not any(found[code].values()):
            files = sorted({test.split("::")[0] for test in found[code]})
            sys.stdout.write(f"{code}: {', '.join(files)}\n")
