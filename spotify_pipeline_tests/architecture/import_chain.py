"""Counts the house from its imports: modules and lines, and the chain from an audience's YAML to its upload.

    python -m spotify_pipeline_tests.architecture.import_chain [--root CHECKOUT] [--modules]

Everything is read with ``ast``; nothing is imported or run, so any checkout can be counted, and two be compared.

- A *module* is a ``.py`` file of ``spotify_pipeline`` other than an ``__init__.py``; *lines* are all its lines. The
  lines of a package are those of its ``__init__.py`` files as well.
- Module A *enters* module B where A imports B, or a name that B defines. A name that a package exports is followed
  through its ``__init__.py`` to the module that defines it, so that an ``__init__.py`` is no part of a chain and what
  else it exports is not either. Imports inside functions count; those for types only (``if TYPE_CHECKING``) do not.
- The *chain* of an audience is every module that lies on some way of such steps from the module that defines the
  audience's component (its YAML) to a module in which a stage of its list is: the YAML's fields, the reading of the
  segment, the writing of the list, the guards' decision, the upload's PUT. All are found by the names of what they
  define, not by their paths. What a stage itself enters (normalization, the HTTP client) is no part of it, and the
  chain to each stage is counted on its own, too.
- The *shortest way* is the fewest modules one has to open to get from the component to a stage. The *longest way* is
  the most steps on a way within the chain; modules that import each other in a circle are one step.
- *Reachable* is every module that is entered from the component, on the way to a stage or not.
"""

from __future__ import annotations

import argparse
import ast
import sys
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

PACKAGE = "spotify_pipeline"
TESTS = "spotify_pipeline_tests"
COMPONENT = ("CustomerListAudience", "CustomerListAudienceComponent")
STAGES = {
    "the YAML's fields": ("AudienceConfig",),
    "reading the segment": ("SegmentReader",),
    "writing the list": ("ListWriter",),
    # Stands beside `decide`, a name that the feeds use too.
    "the guards' decision": ("without_history", "decide"),
    "the upload's PUT": ("ResumableUpload",),
}
"""Of each stage the class or function, the first name that is there: a checkout may be of before or after a rename."""
LONGEST_SHOWN = 10

Graph = Mapping[str, set[str]]
"""Which modules a module enters."""


class NotFoundError(Exception):
    """What the chain begins or ends with is not there."""


@dataclass(frozen=True)
class House:
    """A package as ``ast`` reads it. ``modules``: all files by dotted name, packages by their ``__init__.py``."""

    modules: Mapping[str, ast.Module]
    packages: frozenset[str]
    lines: Mapping[str, int]

    @classmethod
    def read(cls, root: Path, package: str = PACKAGE) -> House:
        """The package below ``root``."""
        modules: dict[str, ast.Module] = {}
        packages: set[str] = set()
        lines: dict[str, int] = {}
        for file in sorted((root / package).rglob("*.py")):
            parts = file.relative_to(root).with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            if parts[-1] == "__init__":
                packages.add(name)
            text = file.read_text()
            modules[name], lines[name] = ast.parse(text), len(text.splitlines())
        return cls(modules, frozenset(packages), lines)

    @staticmethod
    @cache
    def ours() -> House:
        """This project's package, read once."""
        return House.read(Path(__file__).parents[2])

    def files(self) -> list[str]:
        """The modules that are no package."""
        return [name for name in self.modules if name not in self.packages]

    def package_of(self, name: str) -> str:
        """The package that a module is in; of a package, itself."""
        return name if name in self.packages else name.rpartition(".")[0]

    def defining(self, names: Sequence[str]) -> str:
        """The module that defines the first of these classes and functions that there is.

        Raises:
            NotFoundError: there is none, or one is defined twice.
        """
        for wanted in names:
            found = [
                name
                for name, tree in self.modules.items()
                if any(isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name == wanted for node in tree.body)
            ]
            if len(found) == 1:
                return found[0]
        raise NotFoundError(f"No single module defines {' or '.join(names)}.")

    def graph(self) -> dict[str, set[str]]:
        """Which modules each module enters."""
        return {
            name: {entered for entered in self._entered(self.modules[name]) if entered != name} for name in self.files()
        }

    def _entered(self, tree: ast.Module) -> Iterator[str]:
        for base, imported in _imports(tree):
            found = base if imported is None else self._definer(base, imported)
            if found in self.modules and found not in self.packages:
                yield found

    def _definer(self, base: str, name: str, seen: frozenset[str] = frozenset()) -> str:
        """The module that ``from base import name`` comes to."""
        if f"{base}.{name}" in self.modules:
            return f"{base}.{name}"
        if base in self.packages and base not in seen:
            for inner, imported, called in _top_level_names(self.modules[base]):
                if called == name:
                    return self._definer(inner, imported, seen | {base})
        return base


def _imports(tree: ast.AST) -> Iterator[tuple[str, str | None]]:
    """Every import that runs: the module, and the name taken from it."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            for each in node.orelse:
                yield from _imports(each)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from ((node.module, alias.name) for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from ((alias.name, None) for alias in node.names)
        else:
            yield from _imports(node)


def _top_level_names(tree: ast.Module) -> Iterator[tuple[str, str, str]]:
    """What a module takes from others: module, name there, name here."""
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from ((node.module, alias.name, alias.asname or alias.name) for alias in node.names)


def reachable(graph: Graph, start: str) -> set[str]:
    """All modules entered from ``start``, itself among them."""
    seen, waiting = {start}, [start]
    while waiting:
        for each in graph[waiting.pop()] - seen:
            seen.add(each)
            waiting.append(each)
    return seen


def chain(graph: Graph, start: str, end: str) -> set[str]:
    """All modules that lie on a way from ``start`` to ``end``."""
    backwards: dict[str, set[str]] = {name: set() for name in graph}
    for name, entered in graph.items():
        for each in entered:
            backwards[each].add(name)
    return reachable(graph, start) & reachable(backwards, end)


def shortest_way(graph: Graph, start: str, end: str) -> list[str]:
    """The modules of a shortest way, both ends among them; empty if there is none."""
    came_from: dict[str, str] = {start: start}
    waiting = deque([start])
    while waiting and end not in came_from:
        name = waiting.popleft()
        for each in sorted(graph[name] - came_from.keys()):
            came_from[each] = name
            waiting.append(each)
    if end not in came_from:
        return []
    way = [end]
    while way[-1] != start:
        way.append(came_from[way[-1]])
    return way[::-1]


def longest_way(graph: Graph, modules: Iterable[str]) -> int:
    """The number of steps on the longest way within ``modules``; those of one circle are one step."""
    inside = set(modules)
    reached = {name: reachable({each: graph[each] & inside for each in inside}, name) for name in inside}
    circle = {name: min(each for each in reached[name] if name in reached[each]) for name in inside}
    steps: dict[str, set[str]] = {each: set() for each in circle.values()}
    for name in inside:
        steps[circle[name]] |= {circle[each] for each in graph[name] & inside} - {circle[name]}
    length: dict[str, int] = {}
    for name in TopologicalSorter(steps).static_order():
        length[name] = 1 + max((length[each] for each in steps[name]), default=0)
    return max(length.values(), default=0)


def report(root: Path, *, name_modules: bool = False) -> Iterator[str]:
    """The lines to print.

    Raises:
        NotFoundError: see :meth:`House.defining`.
    """
    house, tests = House.read(root), House.read(root, TESTS)
    modules, lines = Counter(map(house.package_of, house.files())), Counter[str]()
    for name in house.modules:
        lines[house.package_of(name)] += house.lines[name]
    yield f"{'package':<44}{'modules':>8}{'lines':>9}"
    for package in sorted(lines):
        yield f"{package:<44}{modules[package]:>8}{lines[package]:>9,}"
    yield f"{'all of ' + PACKAGE:<44}{len(house.files()):>8}{sum(house.lines.values()):>9,}"
    yield f"{'all of ' + TESTS:<44}{len(tests.files()):>8}{sum(tests.lines.values()):>9,}"
    yield ""
    yield "longest modules"
    for name in sorted(house.files(), key=lambda name: (-house.lines[name], name))[:LONGEST_SHOWN]:
        yield f"{name:<52}{house.lines[name]:>9,}"
    graph = house.graph()
    start, whole = house.defining(COMPONENT), set[str]()
    yield ""
    yield f"{'from ' + start + ' to':<72}{'modules':>8}{'shortest':>9}"
    for stage, names in STAGES.items():
        end = house.defining(names)
        between = chain(graph, start, end)
        whole |= between
        yield f"  {f'{stage}: {end}':<70}{len(between):>8}{len(shortest_way(graph, start, end)):>9}"
    yield f"{'all of the chain':<72}{len(whole):>8}"
    yield f"{'its lines':<72}{sum(house.lines[name] for name in whole):>8,}"
    yield f"{'its longest way, in steps':<72}{longest_way(graph, whole):>8}"
    yield f"{'reachable':<72}{len(reachable(graph, start)):>8}"
    yield f"shortest way to {end}: {' > '.join(shortest_way(graph, start, end))}"
    if name_modules:
        yield from (f"    {name}" for name in sorted(whole))


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the counts; the process's exit status."""
    parser = argparse.ArgumentParser(prog="import_chain", description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--root", type=Path, default=Path(__file__).parents[2], help="the checkout to count")
    parser.add_argument("--modules", action="store_true", help="name the modules of the chain")
    asked = parser.parse_args(arguments)
    try:
        sys.stdout.writelines(f"{line}\n" for line in report(asked.root, name_modules=asked.modules))
    except NotFoundError as error:
        sys.stderr.write(f"{error} Add its new name to this script.\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
