"""Does a crash lose or double anything: `python -m benchmarks.kill --kills 100`.

A child process replays a whole simulated day and is killed with SIGKILL at random moments, and started again, until
the day has ended; then what it left is compared, row by row, with what an undisturbed child left.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from random import Random

from agents.simulate import simulate
from benchmarks.day import arguments, print_json
from tests.kill.harness import differences, disturbed, dump, make_recording, moments, undisturbed


def main(given: list[str] | None = None) -> int:
    """Kill, compare and print; 1 where there is a difference."""
    options = arguments("Kill a replay again and again.", given, kills="5", seed="1", every="500")
    kills, every = int(options.kills), int(options.every)
    with tempfile.TemporaryDirectory(prefix="tocsin-kill-") as folder:
        recording = make_recording(simulate(int(options.seed)), Path(folder))
        calm, shaken = Path(folder) / "calm.db", Path(folder) / "shaken.db"
        seconds = undisturbed(recording, calm, every)
        killed = disturbed(recording, shaken, every, moments(Random(f"kills {options.seed}"), kills, seconds))
        rows = sum(len(table) for table in dump(calm).values())
        found = differences(calm, shaken)
    figures = {"kills": len(killed.applied), "restarts": killed.restarts, "rows": rows, "equal": not found}
    print(f"undisturbed it takes {seconds:.1f} s and leaves {rows} rows")
    print(f"kills {len(killed.applied)}, restarts {killed.restarts}: {'not equal' if found else 'equal'}")
    print(f"the last input handled at each kill: {' '.join(str(one) for one in killed.applied)}")
    for line in found:
        print(line[:300])
    if options.json:
        print_json(figures)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
