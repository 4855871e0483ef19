"""Runs `spotify-pipeline demo` and keeps every request that reached its sandbox.

    python -P recorded_demo.py PROJECT DIRECTORY [ARGUMENT ...]

A file of its own, run by its path: it imports nothing of this repository, so it records the demo of any checkout. The
sandbox is served by uvicorn, and stays as it is: every application that uvicorn is given is wrapped in a recorder.

``DIRECTORY`` gets, for each request in the order of arrival, ``NNNN.json`` (method, path, query, headers in their
order, status of the response) and ``NNNN.body`` (the bytes that arrived).
"""

from __future__ import annotations

import importlib
import itertools
import json
import os
import sys
import tomllib
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

import uvicorn

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]


class Recorder:
    """An ASGI application around another one, which writes every HTTP request into ``directory``."""

    def __init__(self, application: Application, directory: Path, numbers: itertools.count[int]) -> None:
        self._application = application
        self._directory = directory
        self._numbers = numbers

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Pass everything on as it is; write the request down when it has been answered, or was not."""
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        body: list[bytes] = []
        status: list[int] = []
        number = next(self._numbers)

        async def received() -> Message:
            message = await receive()
            body.append(message.get("body", b""))
            return message

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                status.append(message["status"])
            await send(message)

        try:
            await self._application(scope, received, sent)
        finally:
            self._write(number, scope, b"".join(body), status)

    def _write(self, number: int, scope: Message, body: bytes, status: list[int]) -> None:
        request = {
            "method": scope["method"],
            "path": scope["raw_path"].decode("ascii"),
            "query": scope["query_string"].decode("ascii"),
            "headers": [[name.decode("latin-1"), value.decode("latin-1")] for name, value in scope["headers"]],
            "status": status[0] if status else None,
        }
        (self._directory / f"{number:04}.body").write_bytes(body)
        (self._directory / f"{number:04}.json").write_text(json.dumps(request))


def record(directory: Path) -> None:
    """Wrap every application that uvicorn serves from now on in this process."""
    numbers = itertools.count(1)
    original = uvicorn.Config.__init__

    def with_recorder(self: uvicorn.Config, app: Any, *arguments: Any, **settings: Any) -> None:
        original(self, Recorder(app, directory, numbers), *arguments, **settings)

    uvicorn.Config.__init__ = with_recorder


def main(project: Path, directory: Path, arguments: list[str]) -> None:
    """Run the command line that ``project`` states in its pyproject.toml, and record."""
    os.chdir(project)
    record(directory)
    scripts = tomllib.loads((project / "pyproject.toml").read_text())["project"]["scripts"]
    module, _, function = scripts["spotify-pipeline"].partition(":")
    sys.argv = ["spotify-pipeline", "demo", *arguments]
    getattr(importlib.import_module(module), function)()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
