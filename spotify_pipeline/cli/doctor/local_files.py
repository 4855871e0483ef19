"""Whether everything that a run reads from this machine's directory can be read, and is as it was written.

Nothing that a file holds is quoted: only where it is, what is wrong with it, and what to do.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeVar

from spotify_pipeline.cli.doctor.check_result import CheckResult, State
from spotify_pipeline.cli.project import project_home, project_lists, project_state
from spotify_pipeline.customer_list import CustomerListError, verify_customer_list
from spotify_pipeline.customer_list.normalize import read_report
from spotify_pipeline.customer_list.storage import Bucket
from spotify_pipeline.customer_list.store import LISTS
from spotify_pipeline.errors import ExpectedError
from spotify_pipeline.mirror import Journal, ReceiptBook
from spotify_pipeline.privacy import ErasureLedger
from spotify_pipeline.spotify import TokenStore, rate_file_is_damaged

RESTORE = "Restore it from a backup (docs/how-to/back-up-and-restore.md)."
MANY = 5
"""So many sentences are told of one store; more only by their number."""
Looked = TypeVar("Looked")
_FOLDERS = ("data", "scratch", "rate")
_FILES = (".json", ".lock", ".csv", ".parquet", ".duckdb")


def journal() -> CheckResult:
    """Every entry of the journal, and the session of an upload under way."""
    kept = Journal(project_state())
    known = kept.known()
    faults = [*_each(lambda key: kept.read(key[1], key[0]), known)]
    closed = [*_each(lambda key: kept.session(key[1], key[0]), known)]
    if closed and not faults:
        return CheckResult(State.WARNING, closed[0])
    return _found(faults, f"{len(known)} audiences")


def receipts() -> CheckResult:
    """Every chain of receipts."""
    reports = ReceiptBook(project_state()).verify()
    faults = [f"{each.audience} in ad account {each.ad_account_id}: {each.sentence}" for each in reports if each.faults]
    return _found([f"{each} {RESTORE}" for each in faults], f"{len(reports)} chains, whole")


def erasures() -> CheckResult:
    """The ledger, and whether the digests of every request in it are there."""
    ledger = ErasureLedger(project_state())
    ledger.require_whole()
    return CheckResult(State.OK, f"{ledger.made()} requests")


def lists() -> CheckResult:
    """Every list that is kept with its manifest, the reports in the files of identifiers, and the bucket of both."""
    store = project_lists()
    faults = store.place.faults() if isinstance(store.place, Bucket) else []

    def look(folder: tuple[str, str, str | None]) -> None:
        audience, name, snapshot = folder
        if snapshot is None:
            raise CustomerListError(
                f"{store.place.file(LISTS, audience, name)} holds no list with its manifest. It cannot be used, and "
                "was left by a run that was killed or put there: materialize that customer list again, or remove the "
                "folder."
            )
        verify_customer_list(*store.stored(audience, snapshot))

    audiences = store.audiences()
    folders = [(audience, *each) for audience in audiences for each in store.folders(audience).items()]
    identifiers = [
        store.identifiers_path(name, each) for name in audiences for each in store.identifier_snapshots(name)
    ]
    faults += [*_each(look, folders), *_each(read_report, identifiers)]
    return _found(faults, f"{len(folders)} lists, {len(identifiers)} files of identifiers, in {store.place}")


def tokens() -> CheckResult:
    """The store of sign-ins."""
    return CheckResult(State.OK, f"{len(TokenStore(project_state()).all())} sign-ins")


def rate() -> CheckResult:
    """The rate limiter's files: a damaged one is started afresh, and Spotify may then answer 429 once."""
    folder = project_home() / "rate"
    wrong = [each for each in sorted(folder.glob("[!.]*")) if rate_file_is_damaged(each)]
    if wrong:
        return CheckResult(State.WARNING, f"{wrong[0]} is damaged. Remove it: the next run creates it again.")
    return CheckResult(State.OK, "readable")


def private_files() -> CheckResult:
    """Whether everything is this user's own, closed to others, and a file where a file should be."""
    home, file = project_home(), project_state().place.file
    faults: list[str] = []
    folders = [*(home / each for each in _FOLDERS), *([file.parent / "locks"] if file else [])]
    paths = [path for folder in folders for path in (folder, *sorted(folder.rglob("*")))]
    for path in (home, *paths):
        if os.path.lexists(path):
            faults += _faults_of(path, path.lstat())
    return _found(faults, "this user's own, and closed to others")


def _faults_of(path: Path, found: os.stat_result) -> Iterator[str]:
    is_file = path.name.endswith(_FILES)
    if stat.S_ISLNK(found.st_mode) or (is_file and not stat.S_ISREG(found.st_mode)):
        yield f"{path} is not a regular file. {RESTORE}"
    elif found.st_uid != os.geteuid():
        yield f"{path} belongs to another user. Run everything as one user: chown it."
    elif found.st_mode & 0o077:
        yield f"{path} is open to other users. Run: chmod go= on it, and look who had access."


def _each(look: Callable[[Looked], object], found: Iterable[Looked]) -> Iterator[str]:
    """The sentence of each that cannot be read."""
    for each in found:
        try:
            look(each)
        except ExpectedError as error:
            yield str(error)
        except OSError as error:
            yield f"{error.filename or each} cannot be read ({os.strerror(error.errno or 0)}). Correct its owner."
        except Exception as error:  # noqa: BLE001 - of a damaged file it may be anything, and quote the file
            yield f"{each} is damaged ({type(error).__name__}). {RESTORE}"


def _found(faults: list[str], otherwise: str) -> CheckResult:
    if not faults:
        return CheckResult(State.OK, otherwise)
    more = f" And {len(faults) - MANY} more." if len(faults) > MANY else ""
    return CheckResult(State.FAILED, " ".join(faults[:MANY]) + more)
