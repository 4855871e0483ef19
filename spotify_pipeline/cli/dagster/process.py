"""Which process a command's run is carried out by, noted with the run: the next command can see whether it is gone."""

from __future__ import annotations

import os
import socket
from pathlib import Path

PROCESS_TAG = "spotify_pipeline/process"
"""Of a run that a command carries out: machine, process id and, where the system says so, when that process began."""


def this_process() -> str:
    """The tag of this process's runs."""
    return f"{socket.gethostname()} {os.getpid()} {_began(os.getpid())}"


def process_id(tag: str) -> str | None:
    """The process id in a tag; None for another machine's, or for an invalid tag."""
    machine, *rest = tag.split(" ")
    return rest[0] if machine == socket.gethostname() and rest and rest[0].isdecimal() else None


def is_gone(tag: str) -> bool:
    """Whether the process of a tag was this machine's and has surely ended. Its number may be another's by now."""
    pid = process_id(tag)
    if pid is None:
        return False
    try:
        os.kill(int(pid), 0)
    except (ProcessLookupError, OverflowError):
        return True
    except OSError:  # somebody else's: so there is one
        pass
    began = tag.split(" ")[-1]
    return began not in ("", _began(int(pid)))


def _began(pid: int) -> str:
    """When a process began, in ticks since the machine did; empty where the system does not say."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        return stat.rpartition(")")[2].split()[19]  # the name before it may hold anything
    except (OSError, IndexError):
        return ""
