"""Sentences are in the field's plain words: a list of words that must not come back, each with the one to use instead.

Held against everything that a person reads: the pages, the newest section of the changelog, texts in YAML and SQL, and
the strings, docstrings and comments of the package.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "spotify_pipeline"

INSTEAD = {
    r"turn(s|ed|ing)? away": "reject",
    r"tak(e|es|en|ing) leave of|took leave of": "retire",
    r"mend(s|ed|ing)?": "fix",
    r"(?<!there\s)is none of": "is not a valid ...",
    r"that (is|are) none": "that is not a valid ...",
    r"no approval helps": "cannot be overridden",
    r"by the journal": "there is no ..., according to the journal: say what the journal holds",
    r"may stand (in|on|at|there|beside|for)": "what X may contain",
    r"for ever": "forever",
    r"ask(s|ed)? Spotify (nothing|anything)": "makes no calls to Spotify",
    r"(before )?Spotify is (not )?asked": "before any call to Spotify",
    r"(person|people|people's data|segment|everybody|somebody|nobody|who) may (not )?be used": "may be contacted",
    r"let(s|ting)? go of": "release",
    r"said (so )?plainly|sa(y|ys) plainly": "sanitize",
    r"pass(es|ed)? by itself": "transient",
    r"whoever is killed": "the lock is released when the process dies",
    r"whoever": "a person who, a process that",
    r"what (became|becomes|has become|will become|is to become) of": "what happens to, the outcome of",
    r"second word|(word|words) of a rollback|one word covers|a word for (a|one) (list|change)": "approval",
    r"approv(e|es|ed|ing) of": "approve",
    r"(go|goes|going|went|gone) on (where|with|from|at|there)": "resume, continue",
    r"anew": "again, from the start",
    r"stands? (in|on|at|under|here|there|beside)": "is in",
    r"look(s|ed)? whether": "check whether",
    r"put right": "fix",
    r"tried again": "retried",
    r"state (one of|at least)": "specify",
    r"(is|are|was|were|not) stated": "is set, is missing, specified",
    r"of ours": "our, of this project",
    r"dice": "randomness",
    r"amid|lest|thereof|hitherto": "during, so that ... not, of it",
    r"in vain": "without success",
    r"as good as none": "ignored",
    r"(the|this|other) rooms|this room|(each|two) rooms": "package",
}
QUOTED = re.compile(r"^ *```.*?^ *```|`[^`\n]+`", flags=re.MULTILINE | re.DOTALL)
"""What a page quotes: the source is looked at where it is written."""
SPACE = r"[ \n]+"
WORDS = [(re.compile(rf"\b(?:{words.replace(' ', SPACE)})\b", re.IGNORECASE), use) for words, use in INSTEAD.items()]

PAGES = [
    *ROOT.glob("*.md"),
    *ROOT.glob("docs/**/*.md"),
    *ROOT.glob("dbt_project/**/*.md"),
    *(each for kind in ("yml", "sql") for each in ROOT.glob(f"dbt_project/**/*.{kind}")),
    *PACKAGE.glob("defs/**/*.yaml"),
    *PACKAGE.glob("settings/*.yaml"),
    ROOT / ".env.example",
    ROOT / "Makefile",
]


def text_of_page(page: Path) -> str:
    """A page's text, comment signs and quoted code left out; of the changelog the newest section."""
    text = page.read_text(encoding="utf-8")
    if page.suffix == ".md":
        text = QUOTED.sub(lambda code: "\n" * code.group().count("\n"), text)
    if page.name == "CHANGELOG.md":
        text = "## ".join(text.split("\n## ")[:2])
    return re.sub(r"(?m)^[ \t]*(#+|--|>)", "", text)


def texts_of_module(source: str) -> Iterator[tuple[int, str]]:
    """The strings and comments of a module, each with its line; neighbouring comment lines are one text."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.JoinedStr):
            yield (
                node.lineno,
                "".join(str(each.value) if isinstance(each, ast.Constant) else "…" for each in node.values),
            )
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value
    comments: list[tuple[int, str]] = []
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            line, text = token.start[0], token.string.lstrip("#")
            if comments and comments[-1][0] + comments[-1][1].count("\n") + 1 == line:
                comments[-1] = (comments[-1][0], f"{comments[-1][1]}\n{text}")
            else:
                comments.append((line, text))
    yield from comments


def found(path: Path, first_line: int, text: str) -> Iterator[str]:
    """Each word of the list that a text has, with its place and the word to use."""
    plain = re.sub(r"[ \t]*\n[ \t]*", "\n", text)
    for words, use in WORDS:
        for match in words.finditer(plain):
            line = first_line + plain.count("\n", 0, match.start())
            yield f"{path.relative_to(ROOT)}:{line}: write «{use}» for «{' '.join(match.group().split())}»"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_pages_are_in_plain_words(page: Path) -> None:
    hits = sorted(found(page, 1, text_of_page(page)))
    assert not hits, "\n".join(hits)


def test_the_package_is_in_plain_words() -> None:
    hits = {
        hit
        for module in PACKAGE.rglob("*.py")
        for line, text in texts_of_module(module.read_text(encoding="utf-8"))
        for hit in found(module, line, text)
    }
    assert not hits, "\n".join(sorted(hits))


def test_a_word_is_found_across_lines_and_where_a_value_is_set_in() -> None:
    source = "\n".join(
        (
            "def f(x):",
            '    """It is turned',
            '    away."""',
            "    # Spotify is",
            "    # asked",
            '    f"mend {x}" " for ever"',
        )
    )
    hits = {hit for line, text in texts_of_module(source) for hit in found(PACKAGE / "x.py", line, text)}
    assert sorted(hit.rpartition("«")[2] for hit in hits) == ["Spotify is asked»", "for ever»", "mend»", "turned away»"]
