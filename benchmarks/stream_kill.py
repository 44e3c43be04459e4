"""Does a crash on Kafka lose or double anything: `python -m benchmarks.stream_kill --kills 100`.

The recorded day is produced as raw payloads, as fast as the kills take. All the while something is killed with SIGKILL
and comes back: an ingest, a correlating worker, the broker itself; a third worker joins and leaves. At the end every
payload has to be in the packs of events once, and what the workers said, repeats left out, has to be what the same
packs give one undisturbed process, byte for byte.
"""

from __future__ import annotations

import sys
import tempfile
import threading
import time
import traceback
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from random import Random

from tenacity import Retrying, stop_after_delay, wait_fixed

from agents.local.kafka import Broker
from agents.simulate import Day, simulate
from agents.stream import wire
from agents.stream.clients import producer
from agents.stream.ingest.run import RAW
from agents.stream.settings import IngestSettings, KafkaSettings
from agents.stream.topics import create, wanted
from agents.stream.worker.ending import UNFINISHED
from benchmarks.day import arguments, make_normaliser, print_json
from benchmarks.stream import cpu_seconds
from pipeline.sources.registry import SOURCES
from schemas.event import RawRecord
from tests.integration.kafka.worker.stage import Stage, Worker, ended, play_of
from tests.integration.kafka.worker.test_workers import assert_exactly_once

PAUSES = (2.0, 6.0)
"""Seconds between two kills: long enough for most to find the others at work again."""
BACK = (0.0, 2.0)
"""Seconds until what was killed is started again."""
SETTLE = 300
QUIET, SPARE = 8, 16
"""Seconds in which nothing happens before all counts as handled; messages that may seem to be left."""
KINDS = {"ingest": 4, "correlate": 4, "broker": 1}
"""What is killed, and how often beside the others."""


class Processes:
    """Two of each role, named alike whenever they come back, and sometimes one more."""

    def __init__(self, settings: KafkaSettings, folder: Path) -> None:
        self._settings, self._folder = settings, folder
        self.alive = {f"{role}-{n}": self._start(role, f"{role}-{n}") for role in ("ingest", "correlate") for n in "ab"}
        self.ended_by_themselves: Counter[str] = Counter()
        """Processes that nobody killed, by the last line of their log."""
        self.longest = 0.0
        """Seconds that a worker took to leave, at most."""
        self.kept: dict[str, dict[str, float]] = {}
        """What the checkpoints of each correlating worker have cost."""

    def _start(self, role: str, name: str) -> Worker:
        return Worker(self._settings, name, self._folder, role)

    def kill(self, role: str, random: Random) -> None:
        """Kill one of a role, and start it again after a moment."""
        name = random.choice([one for one in self.alive if one.startswith(role)])
        self.alive[name].kill()
        time.sleep(random.uniform(*BACK))
        self.alive[name] = self._start(role, name)

    def look_after(self) -> None:
        """Start again what ended by itself, as whoever runs services does."""
        for name, worker in self.alive.items():
            if worker.process.poll() is not None:
                lines = worker.log.read_text(encoding="utf-8").splitlines() or ["it said nothing"]
                self.ended_by_themselves[f"{name.partition('-')[0]} ({worker.process.returncode}): {lines[-1]}"] += 1
                self.alive[name] = self._start(name.partition("-")[0], name)

    def join(self) -> None:
        """One more worker of each role."""
        for role in ("ingest", "correlate"):
            self.alive[f"{role}-c"] = self._start(role, f"{role}-c")

    def leave(self) -> None:
        """It goes in order; where the broker was killed just now it may have to leave work to others."""
        for role in ("ingest", "correlate"):
            self.longest = max(self.longest, self.alive.pop(f"{role}-c").stop(UNFINISHED))


def feed(settings: KafkaSettings, raws: Sequence[RawRecord], seconds: float) -> None:
    """Produce payloads evenly over a time."""
    sender = producer(settings, linger_ms=20)
    begun = time.monotonic()
    for number, raw in enumerate(raws):
        ahead = number / len(raws) * seconds - (time.monotonic() - begun)
        if ahead > 0.05:
            time.sleep(ahead)
        key = str(number % 64).encode()
        sender.send(settings.topic(RAW + raw.source), raw.payload, key, timestamp_ms=raw.received)
    sender.flush()
    sender.close()


def settled(processes: Processes) -> None:
    """Wait until everything is handled."""
    quiet, before = 0, -1.0
    for attempt in Retrying(stop=stop_after_delay(SETTLE), wait=wait_fixed(1), reraise=True):
        with attempt:
            processes.look_after()
            found = [worker.metrics() for worker in processes.alive.values()]
            behind = sum(value for one in found for name, value in one.items() if name.startswith("tocsin_lag"))
            ready = all(one.get("tocsin_ready") == 1 for one in found)
            # The end of a transaction that was given up is counted as a message, and never read.
            quiet = quiet + 1 if ready and behind == before and behind < SPARE else 0
            before = behind
            assert quiet > QUIET, f"behind by {behind:.0f} messages, ready: {ready}"


def disturb(processes: Processes, broker: Broker, kills: int, random: Random) -> Counter[str]:
    """Kill so often; what was killed."""
    done: Counter[str] = Counter()
    for number in range(kills):
        time.sleep(random.uniform(*PAUSES))
        processes.look_after()
        if number % 20 == 10:
            processes.join()
        kind = random.choices(list(KINDS), list(KINDS.values()))[0]
        if kind == "broker":
            broker.kill()
            broker.start()
        else:
            processes.kill(kind, random)
        done[kind] += 1
        if number % 20 == 19 or number == kills - 1:
            processes.look_after()
            if "ingest-c" in processes.alive:
                processes.leave()
        print(f"\r{number + 1} kills", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return done


def expected(raws: Iterable[RawRecord]) -> tuple[Counter[str], int]:
    """How often each event is in some payloads, and how many dead letters they give."""
    normaliser = make_normaliser()
    events: Counter[str] = Counter()
    dead = 0
    for raw in raws:
        found = normaliser.normalise(raw)
        events.update(event.id for event in found.events)
        dead += len(found.refused)
    return events, dead


def main(given: list[str] | None = None) -> int:
    """Disturb, compare and print; 1 where something is lost, doubled or other."""
    options = arguments("Kill ingest, workers and broker again and again.", given, kills="10", seed="1")
    random, kills = Random(f"stream kills {options.seed}"), int(options.kills)
    day = simulate(int(options.seed))
    raws = [line.raw for line in day.lines]
    with tempfile.TemporaryDirectory(prefix="tocsin-kill-") as place, Broker(Path(place) / "broker") as broker:
        settings = KafkaSettings(
            bootstrap_servers=(broker.bootstrap,),
            ingest=IngestSettings(clock=False),
            retention={"raw.{source}": 0},
            session=6000,
        )
        create(settings, wanted(settings, SOURCES))
        stage = Stage(settings, play_of(day, 0))
        stage.set()
        processes = Processes(settings, Path(place))
        done = _run(processes, settings, broker, raws, kills, random)
        wrong = _compare(stage, day)
    print(f"{sum(done.values())} kills: {', '.join(f'{kind} {count}' for kind, count in sorted(done.items()))}")
    restarted = processes.ended_by_themselves
    print(f"{restarted.total()} processes ended by themselves and were started again; {len(raws):,} payloads")
    print("".join(f"  {count} {said[:300]}\n" for said, count in restarted.items()), end="")
    print(f"a worker that was told to stop took {processes.longest:.1f} s at most")
    for name, found in processes.kept.items():
        print(f"{name}: {', '.join(f'{what} {value:,.4g}' for what, value in found.items())}")
    print("\n".join(wrong) or "every payload once; all records as one undisturbed process makes them")
    if options.json:
        print_json({"kills": dict(done), "restarted": restarted.total(), "payloads": len(raws), "wrong": wrong})
    return 1 if wrong else 0


def _run(
    processes: Processes, settings: KafkaSettings, broker: Broker, raws: Sequence[RawRecord], kills: int, random: Random
) -> Counter[str]:
    feeding = threading.Thread(target=feed, args=(settings, raws, kills * (sum(PAUSES) / 2 + 1)))
    with ended(processes.alive.values()):
        feeding.start()
        done = disturb(processes, broker, kills, random)
        feeding.join()
        settled(processes)
        processes.kept = {name: kept(worker) for name, worker in processes.alive.items() if "correlate" in name}
        for worker in processes.alive.values():
            processes.longest = max(processes.longest, worker.stop())
    return done


def kept(worker: Worker) -> dict[str, float]:
    """What the checkpoints of a worker have cost since it was started last."""
    found = worker.metrics()
    number = found["tocsin_checkpoints_total"]
    spent, used = found["tocsin_checkpoint_seconds_total"], cpu_seconds(worker)
    return {
        "checkpoints": number,
        "KB each": found["tocsin_checkpoint_bytes_total"] / 1000 / max(number, 1),
        "ms each": spent * 1000 / max(number, 1),
        "share of CPU": spent / used,
    }


def _compare(stage: Stage, day: Day) -> list[str]:
    events, dead = expected(line.raw for line in day.lines)
    fed = Counter(message.value or b"" for source in SOURCES for message in stage.read(f"{RAW}{source}"))
    packed: Counter[str] = Counter()
    for message in stage.read("events"):
        packed.update(event.id for event in wire.unpack_events(message.value or b"").events)
    wrong = []
    given = Counter(line.raw.payload for line in day.lines)
    if fed != given:
        wrong.append(f"{(given - fed).total()} payloads were not fed, {(fed - given).total()} too often")
    if packed != events:
        wrong.append(f"{(events - packed).total()} events are missing, {(packed - events).total()} are there too often")
    letters = {message.key for message in stage.read("dead")}
    if len(letters) != dead:
        wrong.append(f"{len(letters)} dead letters, not {dead}")
    try:
        assert_exactly_once(stage)
    except AssertionError as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        wrong.append(f"the workers said something else: {place.line} {str(error)[:500]}")
    return wrong


if __name__ == "__main__":
    sys.exit(main())
