"""Checks that the token store is safe: accessible to this user only, and on a disk of this machine.

Checked at every use, on the open file and not on its name. Nothing is repaired: somebody who can change the mode of
the file may have read it already.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from spotify_pipeline.home import reason_of
from spotify_pipeline.spotify.errors import TokenStoreUnusable

MOUNT_TABLE = Path("/proc/self/mountinfo")
"""Linux's list of what is mounted, proc(5). Where it is missing (macOS), network shares are not recognised."""
_OWN_DIRECTORY = "Set SPOTIFY_PIPELINE_HOME to a directory of your own"
_MAX_FILE_BYTES = 1024 * 1024
_NETWORK = frozenset(
    {"afs", "beegfs", "ceph", "cifs", "davfs", "fuse.glusterfs", "fuse.rclone", "fuse.s3fs", "fuse.sshfs", "gfs2",
     "gpfs", "lustre", "ncpfs", "nfs", "nfs4", "ocfs2", "smb3", "smbfs"}
)  # fmt: skip


def refuse_unsafe_directory(directory: Path, mount_table: Path = MOUNT_TABLE) -> None:
    """Return if ``directory`` is safe, or does not exist yet.

    Raises:
        TokenStoreUnusable: it is not a directory or not accessible; others can write to it; it belongs to another
            user; or it is on a network share, where a lock may hold on one machine only.
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
            directory, f"is on a network share ({share})", "Set SPOTIFY_PIPELINE_HOME to a directory on a local disk"
        )


def read_private_file(path: Path) -> bytes | None:
    """The file's bytes, at most 1 MiB; None when there is none. Never follows a link, never waits for a pipe.

    Raises:
        TokenStoreUnusable: it is not a regular file, another user's, or open to others.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno == errno.ELOOP:  # of O_NOFOLLOW
            raise _unsafe(path, "is a symbolic link", "Replace it by the file itself") from None
        raise _unsafe(path, f"cannot be opened ({reason_of(error)})", "Make its owner the user who runs this") from None
    try:
        _refuse_unsafe_file(path, os.fstat(descriptor))
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read(_MAX_FILE_BYTES)
    finally:
        os.close(descriptor)


def _refuse_unsafe_file(path: Path, state: os.stat_result) -> None:
    if not stat.S_ISREG(state.st_mode):
        raise _unsafe(path, "is not a regular file", "Move it away")
    if state.st_uid != os.geteuid():
        raise _unsafe(path, "belongs to another user", "Make its owner the user who runs this")
    if state.st_mode & 0o077:
        raise _unsafe(path, "can be used by other users", f"Run `chmod 600 {path}`")


def _network_filesystem(device: int, mount_table: Path) -> str | None:
    """The type of the file system with this device number, if other machines share it."""
    wanted = f"{os.major(device)}:{os.minor(device)}"
    try:
        lines = mount_table.read_text(errors="replace").splitlines()
    except OSError:
        return None
    for line in lines:
        before, _, after = line.partition(" - ")
        fields, kind = before.split(), after.partition(" ")[0]
        if len(fields) > 2 and fields[2] == wanted and kind in _NETWORK:
            return kind
    return None


def _unsafe(path: Path, fault: str, cure: str) -> TokenStoreUnusable:
    return TokenStoreUnusable(
        f"The token store is not safe to use: {path} {fault}.", next_step=f"{cure}, then run again."
    )
