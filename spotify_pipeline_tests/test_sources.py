"""What holds of the sources: no exception drags another one's message along, and nobody real is in the repository."""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import phonenumbers
import pytest

import spotify_pipeline

PACKAGE = Path(spotify_pipeline.__file__).parent
ROOT = PACKAGE.parent

ALLOWED_CAUSES = {
    # The cause is our own failure, with one sentence and no cause of its own; Dagster shows it after the last try.
    ("components/failures.py", "failed"),
    # The name of a host; no data is near.
    ("spotify/transport/deadlines.py", "error"),
}
"""File, and the name after ``from``."""

RESERVED = re.compile(r"(?:^|\.)(?:example\.(?:com|org|net)|example|test|invalid|localhost)$")
"""RFC 2606 and RFC 6761."""
ADDRESS = re.compile(r"(?<![\w.+%/\\-])[A-Za-z0-9._%+-]{1,64}@([A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,24})\b")
NUMBER = re.compile(r"(?<![\w+.])\+[1-9][0-9 ().-]{6,18}[0-9](?![\w.])")
NOT_ADDRESSES = re.compile(r"git@.*|pw@storage\.googleapis\.com")
"""Accounts of a version control server, and the user of a URL that the tests want refused."""
NOBODYS = re.compile(r"(?:j\.?doe)(?:\+news)?@gmail\.com", re.IGNORECASE)
"""Examples of the identity rules need this provider, for its dots and plus signs are kept; it gives nobody a name of
fewer than six letters."""
FICTIONAL = (
    r"\+46(70174060[5-9]|7017406[1-9]\d|31390060\d|313900[67]\d\d|40628\d{4}|8465004\d\d|9803192\d\d)",
    r"\+1\d{3}55501\d\d",
    r"\+1415555\d{4}",
    r"\+44(7700900|1632960|20794[67]\d|1914980|2896496|2920180)\d{3}",
    r"\+44\d{2,3}4960\d{3}",
    r"\+49(?:3023125|6990009|4066969|8999998|221471)\d{3,4}",
    r"\+33(19900|26191|35301|46571|53649|63998)\d{4}",
    r"\+353209\d{6}",
    r"\+61\d(5550|7010)\d{4}",
    r"\+4760\d{6}",
    r"\+3441\d{7}",
)


def raises_with_a_cause(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Every ``raise`` inside an ``except`` that lets the caught exception into what is raised."""
    for handler in (node for node in ast.walk(tree) if isinstance(node, ast.ExceptHandler)):
        for node in ast.walk(handler):
            if isinstance(node, ast.Raise) and node.exc is not None:
                if node.cause is None:
                    yield node.lineno, "nothing"
                elif not (isinstance(node.cause, ast.Constant) and node.cause.value is None):
                    yield node.lineno, ast.unparse(node.cause)


@pytest.mark.parametrize(
    ("source", "wrong"),
    [
        ("raise ValueError(x) from error", ["error"]),
        ("raise ValueError(x)", ["nothing"]),
        ("raise ValueError(x) from None", []),
        ("raise", []),
    ],
)
def test_p04_a_raise_with_a_cause_is_seen(source: str, wrong: list[str]) -> None:
    tree = ast.parse(f"try:\n    pass\nexcept Exception as error:\n    {source}\n")
    assert [cause for _, cause in raises_with_a_cause(tree)] == wrong


def test_p04_no_exception_of_ours_holds_the_one_that_it_replaces() -> None:
    files = sorted(PACKAGE.rglob("*.py"))
    assert len(files) > 100
    wrong: list[str] = []
    for file in files:
        name = file.relative_to(PACKAGE).as_posix()
        for line, cause in raises_with_a_cause(ast.parse(file.read_text(encoding="utf-8"))):
            if (name, cause) not in ALLOWED_CAUSES:
                wrong.append(f"{name}:{line} raises from {cause}; write `from None`")
    assert wrong == []


def tracked_files() -> list[Path]:
    """The text files that are in the repository."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("this is no clone of the repository")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    return [ROOT / name for name in listed.stdout.decode().split("\0") if name and (ROOT / name).is_file()]


def as_written(file: Path) -> str:
    """The text of a file; of JSON with what its escapes stand for."""
    text = file.read_text(encoding="utf-8")
    if file.suffix != ".json":
        return text
    # In two spellings, so that an address after an escape's letter is seen, too.
    return text + json.dumps(json.loads(text), ensure_ascii=False)


def strangers(text: str) -> set[str]:
    """Addresses and numbers that may be somebody's."""
    found = {
        match.group()
        for match in ADDRESS.finditer(text)
        if not RESERVED.search(match.group(1).lower())
        and not NOT_ADDRESSES.fullmatch(match.group())
        and not NOBODYS.fullmatch(match.group())
    }
    for match in NUMBER.finditer(text):
        plain = "+" + re.sub(r"\D", "", match.group())
        if not any(re.fullmatch(range_, plain) for range_ in FICTIONAL) and _may_ring(plain):
            found.add(match.group())
    return found


@cache
def _examples() -> frozenset[str]:
    """The numbers that libphonenumber publishes as examples: its own of each country, kind and worldwide service."""
    kinds = phonenumbers.PhoneNumberType.values()
    found = [
        phonenumbers.example_number_for_type(each, kind) for each in phonenumbers.SUPPORTED_REGIONS for kind in kinds
    ]
    found += map(phonenumbers.example_number_for_non_geo_entity, phonenumbers.COUNTRY_CODES_FOR_NON_GEO_REGIONS)
    e164 = phonenumbers.PhoneNumberFormat.E164
    return frozenset(phonenumbers.format_number(each, e164) for each in found if each is not None)


def _may_ring(number: str) -> bool:
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return False
    plain = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    return phonenumbers.is_valid_number(parsed) and plain not in _examples()


def test_p19_somebody_s_address_or_number_would_be_seen() -> None:
    # Put together, so that they do not stand here.
    assert strangers(f"write to anna@{'gmail'}.com or +46 8 {'120 120'} 00") == {
        f"anna@{'gmail'}.com",
        f"+46 8 {'120 120'} 00",
    }
    assert strangers("anna@example.com, +46701740605, (+44 7700 900123)") == set()


def test_p19_the_repository_holds_reserved_domains_and_fictional_numbers_only() -> None:
    found: dict[str, set[str]] = {}
    for file in tracked_files():
        if file.suffix in {".png", ".lock", ".svg"}:
            continue
        try:
            text = as_written(file)
        except UnicodeDecodeError:
            continue
        if there := strangers(text):
            found[file.relative_to(ROOT).as_posix()] = there
    assert found == {}
