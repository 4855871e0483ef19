"""A process that was forked at an unhappy moment, and so shares what was open then."""

from __future__ import annotations

import os
from collections.abc import Callable


def fork_that_waits() -> Callable[[], None]:
    """Fork a process that does nothing until the function that this returns is called."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(write)
        os.read(read, 1)
        os._exit(0)
    os.close(read)

    def end() -> None:
        os.close(write)
        os.waitpid(child, 0)

    return end
