"""Does a crash on Kafka lose or double anything: `python -m benchmarks.stream_kill --kills 100`.

The recorded day is produced as raw payloads, as fast as the kills take. All the while something is killed with SIGKILL
and comes back: an ingest, a correlating worker, the broker itself; a third worker joins and leaves. At the end every
payload has to be in the packs of events once, and what the workers said, repeats left out, has to be what the same
packs give one undisturbed process, byte for byte.
"""

from __future__ import annotations

import signal
import sys
import tempfile
import threading
import time
import traceback
from collections import Counter, deque
from collections.abc import Iterable, Sequence
from pathlib import Path
from random import Random
from typing import Any

from tenacity import Retrying, stop_after_delay, wait_fixed

from agents.local.kafka import Broker
from agents.simulate import Day, simulate
from agents.stream import wire
from agents.stream.clients import close_quietly, producer
from agents.stream.ingest.run import RAW
from agents.stream.parcel import packs_in
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
        self.given_up: Counter[str] = Counter()
        """Payloads that the producer had to send again."""

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
            # One that is just being started does not listen yet, and has done nothing.
            self.longest = max(self.longest, self.alive.pop(f"{role}-c").stop(UNFINISHED, -signal.SIGTERM))


class Feeder:
    """Produces payloads evenly over a time. What a producer gave up is sent by a new one, and may be there twice."""

    def __init__(self, settings: KafkaSettings, raws: Sequence[RawRecord], seconds: float) -> None:
        self._settings, self._raws, self._seconds = settings, raws, seconds
        self._sender = producer(settings, linger_ms=20)
        self._waiting: deque[tuple[int, RawRecord, Any]] = deque()
        self.given_up: Counter[str] = Counter()
        """Payloads that had to be sent again, by reason."""

    def run(self) -> None:
        """Until every payload is there."""
        begun = time.monotonic()
        for number, raw in enumerate(self._raws):
            ahead = number / len(self._raws) * self._seconds - (time.monotonic() - begun)
            if ahead > 0.05:
                time.sleep(ahead)
                self._look()
            self._send(number, raw)
        while self._waiting:
            time.sleep(0.1)
            self._look()
        self._sender.close()

    def _send(self, number: int, raw: RawRecord) -> None:
        key = str(number % 64).encode()
        topic = self._settings.topic(RAW + raw.source)
        self._waiting.append((number, raw, self._sender.send(topic, raw.payload, key, timestamp_ms=raw.received)))

    def _look(self) -> None:
        """What was sent and is there is done; what was given up is sent anew."""
        failed = []
        while self._waiting and self._waiting[0][2].is_done:
            number, raw, sent = self._waiting.popleft()
            if sent.failed():
                self.given_up[type(sent.exception).__name__] += 1
                failed.append((number, raw))
        if failed:
            close_quietly(self._sender)
            failed += [(number, raw) for number, raw, sent in self._waiting if not sent.succeeded()]
            self._waiting.clear()
            self._sender = producer(self._settings, linger_ms=20)
            for number, raw in failed:
                self._send(number, raw)


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


def as_fed(stage: Stage, raws: Sequence[RawRecord]) -> tuple[list[RawRecord], int]:
    """The payloads as they are in the raw topics, those that a producer sent twice included; how many are missing."""
    there = Counter(message.value or b"" for source in SOURCES for message in stage.read(f"{RAW}{source}"))
    given = Counter(raw.payload for raw in raws)
    by_payload = {raw.payload: raw for raw in raws}
    again = [by_payload[payload] for payload in (there - given).elements()]
    return [*raws, *again], (given - there).total()


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
    print(f"{processes.given_up.total()} payloads had to be sent again: {dict(processes.given_up)}")
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
    feeder = Feeder(settings, raws, kills * (sum(PAUSES) / 2 + 1))
    feeding = threading.Thread(target=feeder.run)
    with ended(processes.alive.values()):
        feeding.start()
        done = disturb(processes, broker, kills, random)
        feeding.join()
        processes.given_up = feeder.given_up
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
    raws, not_fed = as_fed(stage, [line.raw for line in day.lines])
    events, dead = expected(raws)
    packed: Counter[str] = Counter()
    for message in stage.read("events"):
        for pack in packs_in(message.value or b""):
            packed.update(event.id for event in wire.unpack_events(pack).events)
    wrong = []
    if not_fed:
        wrong.append(f"{not_fed} payloads are not in the raw topics")
    if packed != events:
        wrong.append(f"{(events - packed).total()} events are missing, {(packed - events).total()} are there too often")
    letters = Counter(message.key for message in stage.read("dead"))
    if letters.total() != dead:
        wrong.append(f"{letters.total()} dead letters, not {dead}")
    try:
        assert_exactly_once(stage)
    except AssertionError as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        wrong.append(f"the workers said something else: {place.line} {str(error)[:500]}")
    return wrong


if __name__ == "__main__":
    sys.exit(main())
