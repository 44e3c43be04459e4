"""The example of a ticketing system: its table is right whatever is repeated, out of order or killed."""

from __future__ import annotations

import random
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from agents.stream.clients import producer
from agents.stream.settings import KafkaSettings
from agents.stream.wire import pack_record
from schemas.incident import Incident, IncidentStatus
from schemas.severity import Severity

SCRIPT = Path(__file__).resolve().parents[3] / "examples" / "kafka" / "ticketing.py"
STATUSES = [IncidentStatus.NEW, IncidentStatus.ASSIGNED, IncidentStatus.RESOLVED, IncidentStatus.CLOSED]


def incident(number: int, version: int) -> Incident:
    return Incident(
        id=f"INC-{number}", version=version, tenant="default", scope="default", status=STATUSES[version - 1],
        reason="grown", title=f"version {version}", severity=Severity.MAJOR, impact=1, urgency=1, priority=version,
        opened=1, changed=version, started=1, alerts=1, active=1,
    )  # fmt: skip


def send(kafka: KafkaSettings, records: list[Incident]) -> None:
    sender = producer(kafka, linger_ms=5)
    for record in records:
        sender.send(kafka.topic("incidents"), pack_record(record), record.id.encode())
    sender.flush()
    sender.close()


def start(kafka: KafkaSettings, database: Path, *more: str) -> subprocess.Popen[str]:
    words = ["--bootstrap", kafka.address, "--topic", kafka.topic("incidents"), "--database", str(database)]
    return subprocess.Popen([sys.executable, str(SCRIPT), *words, *more], stdout=subprocess.PIPE, text=True)


def rows(database: Path) -> list[tuple[str, int, str, int]]:
    connection = sqlite3.connect(database)
    try:
        return connection.execute("SELECT incident, version, state, priority FROM tickets ORDER BY incident").fetchall()
    finally:
        connection.close()


def test_the_table_holds_the_highest_version_under_repeats(kafka: KafkaSettings, tmp_path: Path) -> None:
    records = [incident(number, version) for number in range(20) for version in (1, 2, 3, 4)]
    repeated = records + random.Random(3).sample(records, 60)  # old versions come again after newer ones
    send(kafka, repeated)
    for _ in range(2):
        with start(kafka, tmp_path / "t.db", "--until-end") as process:
            assert process.wait(60) == 0
        assert rows(tmp_path / "t.db") == sorted((f"INC-{number}", 4, "closed", 4) for number in range(20))


@pytest.mark.kill
def test_a_kill_neither_loses_nor_undoes_a_ticket(kafka: KafkaSettings, tmp_path: Path) -> None:
    chance = random.Random(5)
    for version in (1, 2, 3):
        send(kafka, [incident(number, version) for number in range(500)])
        with start(kafka, tmp_path / "t.db") as process:
            time.sleep(0.3 + chance.random())
            process.kill()
    with start(kafka, tmp_path / "t.db", "--until-end") as process:
        assert process.wait(60) == 0
    assert rows(tmp_path / "t.db") == sorted((f"INC-{number}", 3, "solved", 3) for number in range(500))


def test_a_missing_topic_is_named(kafka: KafkaSettings, tmp_path: Path) -> None:
    words = ["--bootstrap", kafka.address, "--topic", "nothing", "--database", str(tmp_path / "t.db")]
    ended = subprocess.run(
        [sys.executable, str(SCRIPT), *words], capture_output=True, text=True, check=False, timeout=60
    )
    assert ended.returncode == 1
    assert ended.stderr.strip().endswith(f"there is no topic nothing at {kafka.address}")
