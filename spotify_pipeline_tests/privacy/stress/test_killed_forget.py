"""A call to forget somebody that is killed on its way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from spotify_pipeline.privacy import forget
from spotify_pipeline_tests.privacy.making import address, people, sha, three_audiences

ADA, BOB, EVE = address("ada"), address("bob"), address("eve")


def killed(home: Path, at: str) -> None:
    """Forget ada in another process that is killed when it is about to use ``at`` of the store for `lapsed`."""
    script = f"""
        import os, signal, sys
        from pathlib import Path
        from spotify_pipeline.customer_list import SnapshotStore
        from spotify_pipeline.privacy import forget
        from spotify_pipeline_tests.privacy.making import Machine, people

        class Killing(SnapshotStore):
            def {at}(self, audience, *arguments):
                if audience == "lapsed" and arguments in [(), (0,), ("2",)]:
                    os.kill(os.getpid(), signal.SIGKILL)
                return super().{at}(audience, *arguments)

        machine = Machine(Path(sys.argv[1]))
        forget(people({ADA!r}), Killing(machine.home / "data"), machine.ledger, now=machine.clock, live={{}})
    """
    ended = subprocess.run([sys.executable, "-c", textwrap.dedent(script), home], check=False, env=os.environ)
    assert ended.returncode == -signal.SIGKILL


@pytest.mark.parametrize("at", ["keep_identifiers", "snapshots", "list_path"])
def test_p13_a_call_that_is_killed_after_the_ledger_keeps_them_out_and_is_completed_by_another(
    tmp_path: Path, at: str
) -> None:
    machine = three_audiences(tmp_path)
    killed(machine.home, at)
    (request,) = machine.ledger.requests()
    assert request.waiting == ("lapsed", "loyal", "new")
    assert machine.files_with(sha(ADA)) != []
    machine.build("lapsed", "3", ["ada", "eve"])
    assert machine.cells("lapsed", "3") == {sha(EVE)}
    forget(people(BOB), machine.store, machine.ledger, now=machine.clock, live=machine.live)
    assert machine.files_with(sha(ADA)) == machine.files_with(sha(BOB)) == []
    for audience in ("lapsed", "loyal", "new"):
        machine.build(audience, "4", ["ada", "eve"])
        for _ in range(2):
            machine.mirror(audience, "4")
    assert [each.waiting for each in machine.ledger.requests()] == [(), ()]
