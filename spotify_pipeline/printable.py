"""Makes external text safe to show: Spotify's names and messages, the warehouse's names and errors.

Such a text may move a terminal's cursor, reverse the direction of a line, or break a table. Stored and compared texts
stay as they are; texts shown in a terminal, in logs or in Markdown pass through here.
"""

from __future__ import annotations

import re

_MEANS_SOMETHING = re.compile(r"[\\`*\[\]<>|~&@]|(?<!\w)_|_(?!\w)|:(?=//)|(?<=\bwww)\.", re.IGNORECASE)
"""In Markdown or HTML: code, emphasis, links, tags, the edge of a cell."""


def printable(text: str, *, lines: bool = False) -> str:
    r"""``text`` on one line, each invisible character as its escape: ``\x1b``, ``\u202e``, ``\ud800``.

    Line breaks and tabs become spaces; with ``lines``, they stay. The result can always be encoded.
    """
    if text.isprintable():
        return text
    kept = "\n\t" if lines else ""
    return "".join(each if each.isprintable() or each in kept else _shown(each) for each in text)


def markdown_cell(text: object) -> str:
    """A text for a cell of a Markdown table: printable, with Markdown and HTML escaped."""
    return _MEANS_SOMETHING.sub(lambda found: f"&#{ord(found[0])};", printable(str(text)))


def without_surrogates(text: str) -> str:
    """``text`` with lone surrogates replaced, which no file, log or terminal can encode."""
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _shown(character: str) -> str:
    if character in "\n\r\t\v\f":
        return " "
    code = ord(character)
    if code == 0xA0:  # a no-break space looks like any other
        return " "
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
