"""Break everything between this machine and Spotify, and print what survived.

python -m spotify_pipeline_tests.stress.faults [uploads] [google] [crashes] [tokens] [rate]
"""

from __future__ import annotations

import argparse
import logging
import sys

from spotify_pipeline_tests.spotify.stress import rate_race, token_race
from spotify_pipeline_tests.stress.faults import crash_sweep, google_comparison, upload_matrix

PARTS = {
    "uploads": ("Every fault of an upload", upload_matrix.main),
    "google": ("The same faults for google-cloud-storage", google_comparison.main),
    "crashes": ("SIGKILL at every boundary of a sync", crash_sweep.main),
    "tokens": ("Eight processes and one token that has expired", lambda: token_race.main([])),
    "rate": ("Several processes and one rate limit", lambda: rate_race.main([])),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", choices=[[], *PARTS], metavar="part", help=", ".join(PARTS))
    chosen = parser.parse_args().parts or list(PARTS)
    logging.getLogger("spotify_pipeline").setLevel(logging.ERROR)  # thousands of recoveries, each with a warning
    failed: list[str] = []
    for name in chosen:
        title, run = PARTS[name]
        sys.stdout.write(f"\n== {title} ==\n\n")
        sys.stdout.flush()
        if run() is False:
            failed.append(name)
    if failed:
        sys.exit(f"not everything survived: {', '.join(failed)}")


if __name__ == "__main__":
    main()
