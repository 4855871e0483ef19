"""Makes text of others fit to be shown: names and messages of Spotify's, names and errors of the warehouse's.

Such a text may hold what moves a terminal's cursor, turns the direction of a line around, or breaks a table. What is
stored and compared stays as it came; what is shown passes through here, at the terminal, in logs and in Markdown.
"""

from __future__ import annotations

import re

_MEANS_SOMETHING = re.compile(r"[\\`*\[\]<>|~&@]|(?<!\w)_|_(?!\w)|:(?=//)|(?<=\bwww)\.", re.IGNORECASE)
"""In Markdown or HTML: code, emphasis, links and what is taken for one, tags, the edge of a cell."""


def printable(text: str, *, lines: bool = False) -> str:
    r"""``text`` on one line, each character that cannot be seen as its escape: ``\x1b``, ``\u202e``, ``\ud800``.

    Line breaks and tabs become spaces; with ``lines``, they stay. Whatever comes out can be encoded.
    """
    if text.isprintable():
        return text
    kept = "\n\t" if lines else ""
    return "".join(each if each.isprintable() or each in kept else _shown(each) for each in text)


def markdown_cell(text: object) -> str:
    """A text for a cell of a Markdown table: printable, and without a meaning in Markdown or HTML."""
    return _MEANS_SOMETHING.sub(lambda found: f"&#{ord(found[0])};", printable(str(text)))


def without_surrogates(text: str) -> str:
    """``text`` with each half of a surrogate pair replaced: no file, log or terminal can take one."""
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _shown(character: str) -> str:
    if character in "\n\r\t\v\f":
        return " "
    code = ord(character)
    if code == 0xA0:  # a space that does not break is seen as well as any
        return " "
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
