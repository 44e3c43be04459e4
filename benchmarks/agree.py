"""Do the hosts agree: `python -m benchmarks.agree [--data DIR]`. A real broker, 4 partitions, 2 workers.

The same events, of the recorded day and, with --data, of each network there (laid out as docs/real-data.md says), go
through one process and through the workers. Alerts, ledger, incidents and placements have to be the same, identities
and versions aside.
"""

from __future__ import annotations

import sys
import tempfile
import time
import traceback
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from agents import loader, mapping_files
from agents.feeding import feed
from agents.reference_files import load_all
from agents.simulate import simulate
from agents.stream.settings import IngestSettings, KafkaSettings
from benchmarks.day import arguments, print_json
from benchmarks.topology import write_reference
from pipeline.sources.mapped import Mapped
from pipeline.sources.normalise import Normaliser
from schemas.reference import ConfigurationItem, Relation
from tests.integration.kafka.worker.stage import Play, Stage, Worker, by_members, ended, play_of, wait_for
from tests.integration.kafka.worker.test_workers import assert_exactly_once, assert_the_same_records
from tests.servers import kafka_broker

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
NETWORKS = "alarms/*_Microwave/Topology.npy"
WORKERS = 2
PATIENCE = 600
"""Seconds until all must have been handled."""


def network(folder: Path, place: Path) -> Play:
    """The alarms of a network, and its devices with their links."""
    source = Mapped(mapping_files.load(EXAMPLES / "mappings" / "telecom-alarms.yaml"))
    normaliser = Normaliser({"telecom": source})
    raws = feed([str(folder / "Alarm.csv")], "telecom", source)
    events = [event for raw in raws for event in normaliser.normalise(raw).events]
    reference = load_all([str(path) for path in write_reference(folder / "Topology.npy", place)])
    return Play(
        [one for one in reference if isinstance(one, ConfigurationItem | Relation)],
        events,
        loader.load(EXAMPLES / "telecom.yaml").flow,
    )


def matrices(data: str) -> list[Path]:
    """The networks in a folder; ends where there is none."""
    found = sorted(Path(data).glob(NETWORKS)) if data else []
    if data and not found:
        raise SystemExit(f"{data}: holds no {NETWORKS}; docs/real-data.md says what is expected there")
    return found


def plays(networks: Sequence[Path], place: Path) -> Iterator[tuple[str, Play]]:
    """What is played, by name."""
    yield "recorded day", play_of(simulate(1))
    for matrix in networks:
        yield matrix.parent.name, network(matrix.parent, place / matrix.parent.name)


def compare(bootstrap: str, play: Play, place: Path) -> dict[str, Any]:
    """Play it to the workers, then to one process; raises AssertionError where the two differ."""
    settings = KafkaSettings(
        bootstrap_servers=tuple(bootstrap.split(",")),
        prefix=f"b{uuid.uuid4().hex[:8]}.",
        ingest=IngestSettings(clock=False),
        retention={"raw.{source}": 0},
    )
    stage = Stage(settings, play)
    stage.set()
    stage.play()
    begun = time.monotonic()
    workers = [Worker(settings, f"agree-{n}", place, flow=play.flow) for n in range(WORKERS)]
    with ended(workers):
        wait_for(workers, len(play.events), PATIENCE)
        seconds = time.monotonic() - begun
        for worker in workers:
            worker.stop()
    assert_the_same_records(stage)
    assert_exactly_once(stage)
    incidents = len(by_members(stage.newest("incidents")))
    return {"events": len(play.events), "incidents": incidents, "seconds": round(seconds, 1)}


def main(given: list[str] | None = None) -> int:
    """Compare and print; 1 where the hosts differ."""
    options = arguments("Do one process and the workers on Kafka end with the same records?", given, data="")
    networks = matrices(options.data)
    figures: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="tocsin-agree-") as folder:
        place = Path(folder)
        with kafka_broker(place / "broker") as bootstrap:
            for name, play in plays(networks, place):
                (place / name).mkdir(exist_ok=True)
                try:
                    found = figures[name] = compare(bootstrap, play, place / name)
                except AssertionError as error:
                    said = f"{traceback.extract_tb(error.__traceback__)[-1].line} {str(error)[:1000]}"
                    figures[name] = {"differs": said}
                    print(f"{name}: not the same: {said}", flush=True)
                    continue
                print(f"{name}: {found['events']:,} events, {found['incidents']:,} incidents: the same", flush=True)
    if options.json:
        print_json({"sets": figures})
    return 1 if any("differs" in found for found in figures.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
