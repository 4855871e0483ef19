"""Each promise of docs/reference/requirements.md has a test that bears its code in its name."""

import ast
import re
from collections import defaultdict
from itertools import takewhile
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
PROMISES = TESTS.parent / "docs" / "reference" / "requirements.md"
CODE = re.compile(r"[a-z][0-9]{2}")


def promised() -> list[str]:
    return re.findall(r"^\| ([A-Z][0-9]{2}) \|", PROMISES.read_text(encoding="utf-8"), flags=re.MULTILINE)


def proofs() -> dict[str, list[str]]:
    """The names of the tests by the codes they bear: `test_u04_u05_...` proves both."""
    found: dict[str, list[str]] = defaultdict(list)
    for file in sorted(TESTS.rglob("test_*.py")):
        for name in proving(ast.parse(file.read_text(encoding="utf-8"))):
            for code in codes(name):
                found[code].append(name)
    return found


def codes(name: str) -> list[str]:
    return [part.upper() for part in takewhile(CODE.fullmatch, name.split("_")[1:])]


def proving(module: ast.Module) -> list[str]:
    """The names of a module's tests, less those that never run (`skip`) or may fail (`xfail`): they prove nothing."""
    found: list[str] = []
    pending: list[ast.AST] = [] if any(map(set_aside, module.body)) else [module]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            if any(map(names_mark, node.decorator_list)) or any(map(set_aside, node.body)):
                continue
            if not isinstance(node, ast.ClassDef) and node.name.startswith("test_"):
                found.append(node.name)
        pending.extend(ast.iter_child_nodes(node))
    return found


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


PROOFS = proofs()


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
    (name,) = proving(ast.parse(source))
    assert codes(name) == ["C01", "C02"]


def test_no_promise_is_listed_twice() -> None:
    codes = promised()
    assert len(codes) == len(set(codes)) > 110


@pytest.mark.parametrize("code", promised())
def test_a_promise_has_a_proof(code: str) -> None:
    assert PROOFS.get(code), f"no test is named test_{code.lower()}_...; write one, or take {code} out of {PROMISES}"


def test_every_code_in_a_test_s_name_is_a_promise() -> None:
    unknown = {code for code in PROOFS if code[0] in "UOCRSWP"} - set(promised())
    assert not unknown
