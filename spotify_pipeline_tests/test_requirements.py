"""Each promise of docs/reference/requirements.md has a test that bears its code in its name."""

import ast
import re
from collections import defaultdict
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
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                for part in node.name.split("_")[1:]:
                    if not CODE.fullmatch(part):
                        break
                    found[part.upper()].append(node.name)
    return found


PROOFS = proofs()


def test_no_promise_is_listed_twice() -> None:
    codes = promised()
    assert len(codes) == len(set(codes)) > 70


@pytest.mark.parametrize("code", promised())
def test_a_promise_has_a_proof(code: str) -> None:
    assert PROOFS.get(code), f"no test is named test_{code.lower()}_...; write one, or take {code} out of {PROMISES}"


def test_every_code_in_a_test_s_name_is_a_promise() -> None:
    # Codes of privacy promises (P..) stand in the tests of the rooms that keep them.
    unknown = {code for code in PROOFS if code[0] in "UOCRS"} - set(promised())
    assert not unknown
