"""Break everything between this machine and Spotify, and print what survived.

python -m spotify_pipeline_tests.stress.faults [uploads] [google] [crashes] [checkpoints] [tokens] [rate]
"""

from __future__ import annotations

import argparse
import logging
import sys
from importlib import import_module

# Named, not imported: each of the processes that a part starts imports this module again.
PARTS = {
    "uploads": ("Every fault of an upload", "spotify_pipeline_tests.stress.faults.upload_matrix"),
    "google": ("The same faults for google-cloud-storage", "spotify_pipeline_tests.stress.faults.google_comparison"),
    "crashes": ("SIGKILL at every boundary of a sync", "spotify_pipeline_tests.stress.faults.crash_sweep"),
    "checkpoints": ("Death amid a checkpoint of the state", "spotify_pipeline_tests.stress.faults.checkpoint"),
    "tokens": ("Eight processes and one token that has expired", "spotify_pipeline_tests.spotify.stress.token_race"),
    "rate": ("Several processes and one rate limit", "spotify_pipeline_tests.spotify.stress.rate_race"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", choices=[[], *PARTS], metavar="part", help=", ".join(PARTS))
    chosen = parser.parse_args().parts or list(PARTS)
    logging.getLogger("spotify_pipeline").setLevel(logging.ERROR)  # thousands of recoveries, each with a warning
    failed: list[str] = []
    for name in chosen:
        title, module = PARTS[name]
        sys.stdout.write(f"\n== {title} ==\n\n")
        sys.stdout.flush()
        if import_module(module).main() is False:
            failed.append(name)
    if failed:
        sys.exit(f"not everything survived: {', '.join(failed)}")


if __name__ == "__main__":
    main()
