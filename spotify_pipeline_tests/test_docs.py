"""Every link in the Markdown pages leads to a file, and to a heading, that exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("dbt_project/*.md")])
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
CODE_BLOCK = re.compile(r"^```.*?^```", flags=re.MULTILINE | re.DOTALL)
SOURCE = re.compile(r"`((?:spotify_pipeline|spotify_pipeline_tests|docs|dbt_project|benchmarks)/[\w./-]*[\w/])`")
MODULE = re.compile(r"`(\w+/[\w/]+\.py)`")


def links(page: Path) -> list[str]:
    """The targets of a page's links to files of this repository."""
    text = CODE_BLOCK.sub("", page.read_text(encoding="utf-8"))
    return [target for target in LINK.findall(text) if not re.match(r"https?:|mailto:", target)]


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives a page's headings."""
    headings = re.findall(r"^#+ (.+)$", CODE_BLOCK.sub("", page.read_text(encoding="utf-8")), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    dead: list[str] = []
    for link in links(page):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            dead.append(link)
    assert not dead, f"{page.relative_to(ROOT)}: correct or remove these links"


@pytest.mark.parametrize(
    "page", [each for each in PAGES if each.name != "CHANGELOG.md"], ids=lambda page: str(page.relative_to(ROOT))
)
def test_every_path_in_backticks_exists(page: Path) -> None:
    """A path to a module or a folder of this repository: not a YAML file that the reader writes, nor an old name in the
    changelog."""
    text = CODE_BLOCK.sub("", page.read_text(encoding="utf-8"))
    dead = [path for path in SOURCE.findall(text) if not path.endswith("/defs.yaml") and not (ROOT / path).exists()]
    places = (ROOT, ROOT / "spotify_pipeline")
    dead += [path for path in MODULE.findall(text) if not any((place / path).exists() for place in places)]
    assert not dead, f"{page.relative_to(ROOT)}: correct or remove these paths"


def test_links_are_found() -> None:
    assert len(links(ROOT / "README.md")) > 20
