"""Checks that a file of secrets is safe: accessible to this user only, and on a disk of this machine.

Checked at every opening. Nothing is repaired: somebody who can change the mode of the file may have read it already.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from spotify_pipeline.home import reason_of
from spotify_pipeline.state.errors import StateError

MOUNT_TABLE = Path("/proc/self/mountinfo")
"""Linux's list of what is mounted, proc(5). Where it is missing (macOS), network shares are not recognised."""
_OWN_DIRECTORY = "Set SPOTIFY_PIPELINE_HOME to a directory of your own"
_NETWORK = frozenset(
    {"afs", "beegfs", "ceph", "cifs", "davfs", "fuse.glusterfs", "fuse.rclone", "fuse.s3fs", "fuse.sshfs", "gfs2",
     "gpfs", "lustre", "ncpfs", "nfs", "nfs4", "ocfs2", "smb3", "smbfs"}
)  # fmt: skip


def refuse_unsafe_directory(directory: Path, mount_table: Path = MOUNT_TABLE) -> None:
    """Return if ``directory`` is safe, or does not exist yet.

    Raises:
        StateError: it is not a directory or not accessible; others can write to it; it belongs to another user; or it
            is on a network share, where locks may hold on one machine only.
    """
    try:
        state = directory.stat()
    except FileNotFoundError:
        return
    except OSError as error:
        raise _unsafe(directory, f"is not accessible ({reason_of(error)})", _OWN_DIRECTORY) from None
    if not stat.S_ISDIR(state.st_mode):
        raise _unsafe(directory, "is not a directory", _OWN_DIRECTORY)
    if state.st_mode & 0o022:
        # The mode of a shared directory such as /tmp is not this user's to change.
        ours = state.st_uid == os.geteuid() and not state.st_mode & stat.S_ISVTX
        cure = f"Run `chmod 700 {directory}`" if ours else _OWN_DIRECTORY
        raise _unsafe(directory, "can be written by other users", cure)
    if state.st_uid not in (os.geteuid(), 0):
        raise _unsafe(directory, "belongs to another user", _OWN_DIRECTORY)
    share = _network_filesystem(state.st_dev, mount_table)
    if share is not None:
        raise _unsafe(
            directory,
            f"is on a network share ({share})",
            "Put it on a local disk, or use PostgreSQL for the state (SPOTIFY_PIPELINE_STATE)",
        )


def refuse_unsafe_file(file: Path) -> None:
    """Return if ``file`` is this user's alone, or does not exist.

    Raises:
        StateError: it is a link, no regular file, another user's, or open to others.
    """
    try:
        state = file.lstat()
    except FileNotFoundError:
        return
    except OSError as error:
        raise _unsafe(file, f"cannot be opened ({reason_of(error)})", "Make its owner the user who runs this") from None
    if stat.S_ISLNK(state.st_mode):
        raise _unsafe(file, "is a symbolic link", "Replace it by the file itself")
    if not stat.S_ISREG(state.st_mode):
        raise _unsafe(file, "is not a regular file", "Move it away")
    if state.st_uid != os.geteuid():
        raise _unsafe(file, "belongs to another user", "Make its owner the user who runs this")
    if state.st_mode & 0o077:
        raise _unsafe(file, "can be used by other users", f"Run `chmod 600 {file}`")


def _network_filesystem(device: int, mount_table: Path) -> str | None:
    """The type of the file system with this device number, if other machines share it."""
    wanted = f"{os.major(device)}:{os.minor(device)}"
    try:
        lines = mount_table.read_text(errors="replace").splitlines()
    except OSError:
        return None
    for line in lines:
        fields = line.split(" ")
        if len(fields) > 2 and fields[2] == wanted and "-" in fields:
            kind = fields[fields.index("-") + 1]
            if kind in _NETWORK:
                return kind
    return None


def _unsafe(path: Path, what: str, cure: str) -> StateError:
    return StateError(f"{path} {what}, so it is not safe for credentials and state. {cure}, then run again.")
