"""An upload that one machine began is finished by another: they share nothing but the bucket."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

from spotify_pipeline.customer_list import SnapshotStore
from spotify_pipeline.customer_list.model import Manifest
from spotify_pipeline.customer_list.storage import Bucket
from spotify_pipeline.sandbox import SandboxServer
from spotify_pipeline.state import ListsKey, StateStore
from spotify_pipeline_tests.bucket_server import Objects
from spotify_pipeline_tests.customer_list.making import EMAIL_ONLY, NOW, build, emails
from spotify_pipeline_tests.sandbox.visitor import AUDIENCES, Visitor

CHUNK = 262_144
_MACHINE = """
import json, os, sys
from pathlib import Path
import httpx
from spotify_pipeline.customer_list import SnapshotStore
from spotify_pipeline.customer_list.storage import Bucket
from spotify_pipeline.spotify import OpenUpload, Secret, UploadTicket
from spotify_pipeline.spotify.transport import STORAGE, HttpClient
from spotify_pipeline.spotify.upload.service import Uploader
from spotify_pipeline.spotify.upload_hosts import UploadHosts
from spotify_pipeline.state import ListsKey, StateStore

given = json.loads(sys.argv[1])
home = Path(given["home"])
store = SnapshotStore(Bucket(given["bucket"], home / "scratch", ListsKey(StateStore.in_home(home))))
file, manifest = store.stored("lapsed", "1")
of_file = {"size": manifest.bytes, "crc32c": manifest.crc32c}
http = HttpClient(STORAGE, transport=httpx.HTTPTransport(verify=False))
uploader = Uploader(http, UploadHosts((given["host"],)), chunk_bytes=262144)

def opened(session):
    print(json.dumps({"uri": session.uri.reveal(), "opened_at": session.opened_at, "audience_id": "a"}), flush=True)

def killed(progress):
    if progress.stored >= 2 * 262144:
        os._exit(9)

if given.get("session"):
    session = OpenUpload(**{**given["session"], "uri": Secret(given["session"]["uri"])}, **of_file)
    proof = uploader.resume(session, file, **of_file)
    print(json.dumps({"verified": proof.verified, "bytes_sent": proof.bytes_sent}))
else:
    ticket = UploadTicket(audience_id="a", url=Secret(given["url"]))
    uploader.upload(ticket, file, **of_file, on_open=opened, on_progress=killed)
"""


def machine(**given: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", _MACHINE, json.dumps(given)]
    return subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ})


def built(objects: Objects, home: Path) -> tuple[SnapshotStore, Manifest]:
    from spotify_pipeline.customer_list import write_identifiers

    store = SnapshotStore(Bucket(objects.url, home / "scratch", ListsKey(StateStore.in_home(home))))
    identifiers = store.identifiers_path("lapsed", "1")
    report = write_identifiers([emails(*(f"{n}@example.com" for n in range(15_000)))], EMAIL_ONLY, identifiers)
    path = store.list_path("lapsed", "1")
    return store, build(identifiers, report, path, audience="lapsed", snapshot="1", built_at=NOW)


def test_an_upload_that_was_killed_is_finished_by_a_machine_with_another_home(objects: Objects, tmp_path: Path) -> None:
    store, manifest = built(objects, tmp_path / "a")
    assert manifest.bytes > 3 * CHUNK
    with SandboxServer() as sandbox:
        visitor = Visitor(sandbox)
        host = f"127.0.0.1:{sandbox.port}"
        ticket = visitor.http.post(f"{AUDIENCES}/upload_url", headers={**visitor.bearer, "Host": host}).json()
        shared = {"bucket": objects.url, "host": host}

        first = machine(home=str(tmp_path / "a"), url=ticket["upload_url"], **shared)
        assert first.returncode == 9, first.stderr
        session = json.loads(first.stdout)
        second = machine(home=str(tmp_path / "b"), session=session, **shared)

        assert second.returncode == 0, second.stderr
        proof = json.loads(second.stdout)
        assert proof["verified"]
        assert proof["bytes_sent"] <= manifest.bytes - CHUNK
        [received] = sandbox.state.received_lists.of(ticket["id"])
        content = store.stored("lapsed", "1")[0].read_bytes()
        assert (received.size, received.sha256) == (manifest.bytes, hashlib.sha256(content).hexdigest())


def test_a_list_that_is_rewritten_while_it_is_sent_is_not_sent_on(objects: Objects, tmp_path: Path) -> None:
    import pytest

    from spotify_pipeline.spotify import UploadRefused
    from spotify_pipeline.spotify.upload.source_file import open_source_file

    store, manifest = built(objects, tmp_path / "a")
    path, _ = store.stored("lapsed", "1")
    with open_source_file(path, size=manifest.bytes, crc32c=manifest.crc32c) as source:  # pyright: ignore[reportArgumentType]
        assert len(next(source.blocks(0, CHUNK))) == CHUNK
        store.delete_list("lapsed", "1")
        with pytest.raises(UploadRefused, match="is not the file that was built"):
            next(source.blocks(CHUNK, 2 * CHUNK))
