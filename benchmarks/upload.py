"""Uploading a customer list: time and peak memory against curl, over the same two steps to the same storage.

    python -m benchmarks.upload [--mebibytes 1024] [--trials 3]

The storage is the sandbox, in a process of its own; it hashes what it stores, which both sides wait for. Each upload
is a process of its own too. ``curl`` does what a careful script would: POST to the signed URL, then one PUT of the
whole file to the session. The product proves what arrived by size and CRC32C; ``curl`` does not.

Compare ratios, not seconds. Memory is what the process needed beyond what it held before the upload began.
"""

from __future__ import annotations

import argparse
import base64
import json
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import contextmanager, suppress
from pathlib import Path

MIB = 1024 * 1024
BLOCK = 16 * MIB
ROW = b"831f6494ad6be4fcb3a724c3d5fef22d3ceffa3c62ef3a7984e45a0ea177f982\n"
WAYS = ("product, 8 MiB chunks", "product, one PUT", "curl")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mebibytes", type=int, default=1024)
    parser.add_argument("--trials", type=int, default=3)
    parser.add_argument("--measure", nargs=3, metavar=("WAY", "ORIGIN", "FILE"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        way, origin, file = arguments.measure
        print(json.dumps(measured(way, origin, Path(file))))
        return
    compare(arguments.mebibytes, arguments.trials)


def compare(mebibytes: int, trials: int) -> None:
    print(f"{mebibytes:,} MiB, {trials} trials of each way, taking turns", flush=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file = made_list(folder / "list.csv", mebibytes * MIB)
        seconds: dict[str, list[float]] = {way: [] for way in WAYS}
        extra: dict[str, float] = dict.fromkeys(WAYS, 0.0)
        for trial in range(trials):
            for way in WAYS:
                with sandbox(folder / f"{trial}-{WAYS.index(way)}") as origin:
                    result = run(way, origin, file)
                seconds[way].append(result["seconds"])
                extra[way] = max(extra[way], result["extra"])
        base = statistics.median(seconds["curl"])
        for way in WAYS:
            median = statistics.median(seconds[way])
            spread = f"{min(seconds[way]):.1f} to {max(seconds[way]):.1f}"
            memory = f"{extra[way]:6.1f} MiB" if way != "curl" else "         -"
            print(f"  {way:24s} {median:7.1f} s ({spread}), x{median / base:.2f} of curl's time, extra memory {memory}")


def run(way: str, origin: str, file: Path) -> dict:
    command = [sys.executable, "-m", "benchmarks.upload", "--measure", way, origin, str(file)]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)


def measured(way: str, origin: str, file: Path) -> dict:
    from spotify_pipeline.sandbox import DEFAULTS
    from spotify_pipeline.spotify import SpotifyAdsClient, TokenStore
    from spotify_pipeline.state import StateStore
    from spotify_pipeline_tests.sandbox_settings import settings_at

    settings = settings_at(origin, upload_chunk_bytes=None if way == "product, one PUT" else 8 * MIB)
    checksum = crc32c_of(file)
    with SpotifyAdsClient.open(
        settings, TokenStore(StateStore.in_home(file.parent / origin.rsplit(":")[-1]))
    ) as client:
        ticket = client.new_upload(DEFAULTS.ad_account_id)
        before = memory_now()
        started = time.perf_counter()
        if way == "curl":
            by_curl(ticket.url.reveal(), file)
        else:
            proof = client.upload(ticket, file, size=file.stat().st_size, crc32c=checksum)
            assert proof.verified
        return {"seconds": time.perf_counter() - started, "extra": peak() - before}


def by_curl(signed_url: str, file: Path) -> None:
    """The two steps, as on a command line.

    Without this user's curlrc and proxies, as the product goes. The URLs go by standard input: arguments are visible
    to everybody.
    """
    start = f'url = "{signed_url}"\nrequest = POST\nheader = "x-goog-resumable: start"\n'
    start += 'header = "Content-Type: text/csv"\nheader = "Content-Length: 0"\n'
    quiet = ("curl", "-q", "--noproxy", "*", "--silent", "--show-error", "--fail", "--config", "-")
    opened = subprocess.run(
        [*quiet, "--dump-header", "-"], input=start, capture_output=True, check=True, text=True
    ).stdout
    session = next(
        line.split(" ", 1)[1].strip() for line in opened.splitlines() if line.lower().startswith("location:")
    )
    put = f'url = "{session}"\nupload-file = "{file}"\nheader = "Content-Type: text/csv"\nheader = "Expect:"\n'
    subprocess.run([*quiet, "--output", "/dev/null"], input=put, check=True, text=True)


def memory_now() -> float:
    """The memory of this process in MiB. Its peak counts from here on, where the system can forget the old one."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
        return _status("VmRSS")
    return peak()


def peak() -> float:
    """The peak of this process's memory in MiB."""
    with suppress(OSError):
        return _status("VmHWM")
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MIB  # macOS, in bytes


def _status(name: str) -> float:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:")) / 1024


def made_list(file: Path, size: int) -> Path:
    block = ROW * (BLOCK // len(ROW))
    with file.open("wb") as opened:
        opened.write(b"EMAIL_ID_SHA256\n")
        while (left := size - opened.tell()) > 0:
            opened.write(block[:left])
    return file


def crc32c_of(file: Path) -> str:
    import google_crc32c

    checksum = google_crc32c.Checksum()
    with file.open("rb") as opened:
        while read := opened.read(MIB):
            checksum.update(read)
    return base64.b64encode(checksum.digest()).decode()


def await_start(process: subprocess.Popen, origin: str) -> None:
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(OSError):
            direct.open(f"{origin}/sandbox/clock", timeout=5).close()
            return
        time.sleep(0.1)
    sys.exit("The sandbox did not start; try `spotify-pipeline sandbox` by hand.")


@contextmanager
def sandbox(state: Path):
    """A sandbox of its own for one upload; its origin."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program = Path(sys.executable).with_name("spotify-pipeline")
    command = [str(program), "sandbox", "--port", str(port), "--state", str(state)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        origin = f"http://127.0.0.1:{port}"
        await_start(process, origin)
        yield origin
    finally:
        process.kill()  # it would first count the list that it got, for minutes
        process.wait()
        for each in (state / "lists").glob("*"):
            each.unlink()


if __name__ == "__main__":
    main()
