"""A browser, as a command: its user presses the button of the consent page. `--fail`: it says that it cannot start."""

from __future__ import annotations

import json
import os
import sys
import urllib.parse
import urllib.request
from pathlib import Path

SEEN_VARIABLE = "BROWSER_TELLS"
"""Names a file that gets the names of the variables in its environment."""


def agree(address: str) -> None:
    with urllib.request.urlopen(address) as page:  # noqa: S310 - the sandbox's own address
        page.read()
    query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(address).query))
    form = urllib.parse.urlencode({**query, "decision": "agree"}).encode()
    with urllib.request.urlopen(address.split("?")[0], form) as answer:  # noqa: S310
        answer.read()


def command(*options: str) -> str:
    """What BROWSER must say to use it."""
    return " ".join([sys.executable, str(Path(__file__)), *options, "%s"])


if __name__ == "__main__":
    if SEEN_VARIABLE in os.environ:
        Path(os.environ[SEEN_VARIABLE]).write_text(json.dumps(sorted(os.environ)))
    agree(sys.argv[-1])
    sys.exit("--fail" in sys.argv)
