"""Does a crash lose or double anything: `python -m benchmarks.kill --kills 200`.

A child process replays a whole simulated day, with rules, silences, commands and changes of reference data in between.
It is killed with SIGKILL at random moments, and started again, until the day has ended; then what it left is compared,
row by row, with what an undisturbed child left. Many kills are spread over several such days, so that it gets on
between two.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from random import Random

from agents.simulate import simulate
from benchmarks.day import arguments, print_json
from tests.kill.harness import differences, disturbed, dump, make_recording, moments, undisturbed

EACH = 20
"""Kills in one replay of the day."""


def main(given: list[str] | None = None) -> int:
    """Kill, compare and print; 1 where there is a difference."""
    options = arguments("Kill a replay again and again.", given, kills="5", seed="1", every="250")
    every = int(options.every)
    with tempfile.TemporaryDirectory(prefix="tocsin-kill-") as folder:
        recording = make_recording(simulate(int(options.seed)), Path(folder))
        calm = Path(folder) / "calm.db"
        seconds = undisturbed(recording, calm, every)
        rows = sum(len(table) for table in dump(calm).values())
        print(f"undisturbed it takes {seconds:.1f} s and leaves {rows} rows", flush=True)
        total, unequal, days = 0, 0, 0
        while total < int(options.kills) and days < int(options.kills):
            days += 1
            times = moments(Random(f"kills {options.seed} {days}"), min(EACH, int(options.kills) - total), seconds)
            shaken = Path(folder) / f"shaken-{days}.db"
            killed = disturbed(recording, shaken, every, times)
            found = differences(calm, shaken)
            shaken.unlink()
            total += len(killed.applied)
            unequal += bool(found)
            print(
                f"day {days}: {len(killed.applied)} kills, {'not equal' if found else 'equal'}; the last input handled",
                end="",
            )
            print(f" at each: {' '.join(str(one) for one in killed.applied)}", flush=True)
            for line in found:
                print(line[:300])
    print(f"{total} kills in {days} days: {unequal} days ended otherwise than the undisturbed one")
    if options.json:
        print_json({"kills": total, "days": days, "rows": rows, "unequal": unequal})
    return 1 if unequal else 0


if __name__ == "__main__":
    sys.exit(main())
