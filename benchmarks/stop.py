"""How long a worker takes to stop, whatever its broker does: `python -m benchmarks.stop`.

One worker of each role is at work on the recorded day. It is told to stop by SIGTERM while the broker answers, at
several moments after the broker was killed, while the broker is starting again, and while the worker itself is still
starting without a broker. Printed are the seconds until each process has ended, and its exit code where that is not 0.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from tenacity import Retrying, stop_after_delay, wait_fixed

from agents.index.settings import ElasticsearchOutput
from agents.local.elasticsearch import Node
from agents.local.kafka import Broker
from agents.simulate import simulate
from agents.stream.settings import KafkaSettings
from agents.stream.topics import create, wanted
from benchmarks.day import arguments, print_json
from benchmarks.stream_kill import Feeder
from pipeline.sources.registry import SOURCES
from schemas.event import RawRecord
from tests.integration.kafka.worker.stage import Worker, ended

ROLES = ("ingest", "correlate", "detect", "index")
PATIENCE = 60
"""Seconds after which a worker counts as one that does not stop."""
FEED = 20.0
"""Seconds that the payloads of one moment are spread over."""


class Moment(NamedTuple):
    """When workers are told to stop: seconds after the broker was killed, was started again, and answered again."""

    name: str
    killed: float | None = None
    back: float | None = None
    answers: float | None = None
    starting: bool = False
    """Whether the workers are started only when the broker is away."""


MOMENTS = (
    Moment("at work"),
    Moment("killed just now", 0),
    Moment("killed 1 s ago", 1),
    Moment("killed 8 s ago", 8),
    Moment("starting for 0.5 s", 0, 0.5),
    Moment("starting for 3 s", 2, 3),
    Moment("answers again", 0, 0, 0),
    Moment("answers for 0.5 s", 0, 0, 0.5),
    Moment("answers for 2 s", 0, 0, 2),
    Moment("answers for 5 s", 8, 0, 5),
    Moment("worker starts", 0, starting=True),
)


def stopped(worker: Worker, found: dict[str, tuple[float, int | None]], role: str) -> None:
    """Tell a worker to stop; note the seconds it took, and its exit code."""
    begun = time.monotonic()
    worker.process.terminate()
    with suppress(subprocess.TimeoutExpired):
        worker.process.wait(PATIENCE)
    found[role] = time.monotonic() - begun, worker.process.poll()


def all_ready(workers: Sequence[Worker]) -> None:
    """Wait until each is at work."""
    for attempt in Retrying(stop=stop_after_delay(90), wait=wait_fixed(0.5), reraise=True):
        with attempt:
            assert all(one.metrics().get("tocsin_ready") == 1 for one in workers)


@contextmanager
def fed(settings: KafkaSettings, raws: Sequence[RawRecord]) -> Iterator[None]:
    """Payloads come meanwhile."""
    feeding = threading.Thread(target=Feeder(settings, raws, FEED).run, daemon=True)
    feeding.start()
    yield
    feeding.join()


def at(
    moment: Moment, broker: Broker, settings: KafkaSettings, output: ElasticsearchOutput, roles: Sequence[str]
) -> dict[str, tuple[float, int | None]]:
    """Bring workers to a moment, and tell them to stop; what became of each."""
    found: dict[str, tuple[float, int | None]] = {}
    starting = threading.Thread(target=broker.start)
    with tempfile.TemporaryDirectory() as folder:
        if moment.starting:
            broker.kill()
        workers = [Worker(settings, role, Path(folder), role, output=output) for role in roles]
        with ended(workers):
            if moment.starting:
                time.sleep(8)
            else:
                all_ready(workers)
            time.sleep(1)
            if moment.killed is not None:
                broker.kill()
                time.sleep(moment.killed)
            if moment.back is not None:
                starting.start()
                time.sleep(moment.back)
            if moment.answers is not None:
                starting.join()
                time.sleep(moment.answers)
            threads = [
                threading.Thread(target=stopped, args=(worker, found, role))
                for role, worker in zip(roles, workers, strict=True)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        if moment.back is not None:
            starting.join()
    broker.start()
    return found


def main(given: list[str] | None = None) -> int:
    """Stop workers at each moment and print how long it took; 1 where one took more than five seconds."""
    options = arguments("Stop workers while the broker is away.", given, roles=",".join(ROLES), seed="1")
    roles = options.roles.split(",")
    raws = [line.raw for line in simulate(int(options.seed)).lines]
    share = len(raws) // len(MOMENTS)
    figures: dict[str, dict[str, tuple[float, int | None]]] = {}
    with tempfile.TemporaryDirectory(prefix="tocsin-stop-") as place, Broker(Path(place) / "broker") as broker:
        settings = KafkaSettings(bootstrap_servers=(broker.bootstrap,), retention={"raw.{source}": 0}, session=6000)
        create(settings, wanted(settings, SOURCES))
        with Node(Path(place) / "node") as node:
            output = ElasticsearchOutput(type="elasticsearch", nodes=(node.url,))
            print(f"{'broker':<20}" + "".join(f"{role:>18}" for role in roles), flush=True)
            for number, moment in enumerate(MOMENTS):
                with fed(settings, raws[number * share : (number + 1) * share]):
                    figures[moment.name] = found = at(moment, broker, settings, output, roles)
                print(f"{moment.name:<20}" + "".join(f"{_said(*found[role]):>18}" for role in roles), flush=True)
    if options.json:
        print_json(figures)
    return int(any(seconds >= 5 for found in figures.values() for seconds, _ in found.values()))


def _said(seconds: float, code: int | None) -> str:
    return f"{seconds:.1f} s" + ("" if code == 0 else " (killed)" if code is None else f" ({code})")


if __name__ == "__main__":
    sys.exit(main())
