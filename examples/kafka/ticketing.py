"""Keeps a ticket table right from the topic of incidents. Start from it for a ticketing system of your own.

    python ticketing.py --bootstrap 127.0.0.1:9092 --database tickets.db

It needs kafka-python and nothing of Tocsin. What makes it right under repeats, restarts and kills:

- a version of an incident is written only where it is higher than the one in the table: a repeat changes nothing;
- the offsets are in the same database, written in the same transaction as the tickets: after a crash it goes on exactly
  after what the table holds.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import sys
from typing import Any

from kafka import KafkaConsumer, TopicPartition  # type: ignore[import-untyped]

TABLES = """
CREATE TABLE IF NOT EXISTS tickets (
    incident TEXT PRIMARY KEY, version INTEGER NOT NULL, state TEXT NOT NULL, priority INTEGER NOT NULL,
    title TEXT NOT NULL, cause TEXT NOT NULL, merged_into TEXT, changed INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS progress (part INTEGER PRIMARY KEY, next INTEGER NOT NULL);
"""
STATES = {
    "new": "open",
    "assigned": "open",
    "pending": "on hold",
    "resolved": "solved",
    "closed": "closed",
    "merged": "closed",
    "withdrawn": "closed",
}
"""Status of an incident to the state of its ticket."""
UPSERT = """
INSERT INTO tickets VALUES (:incident, :version, :state, :priority, :title, :cause, :merged_into, :changed)
ON CONFLICT (incident) DO UPDATE SET version = excluded.version, state = excluded.state, priority = excluded.priority,
    title = excluded.title, cause = excluded.cause, merged_into = excluded.merged_into, changed = excluded.changed
WHERE excluded.version > tickets.version
"""


def ticket_of(incident: dict[str, Any]) -> dict[str, Any]:
    """What of an incident the ticket shows."""
    candidates = incident.get("candidates") or [{}]
    return {
        "incident": incident["id"],
        "version": incident["version"],
        "state": STATES[incident["status"]],
        "priority": incident["priority"],
        "title": incident["title"],
        "cause": candidates[0].get("item", ""),
        "merged_into": incident.get("merged_into"),
        "changed": incident["changed"],
    }


def keep(database: sqlite3.Connection, part: int, messages: list[Any]) -> int:
    """Write the messages of a partition and how far it was read, all or nothing; how many tickets changed."""
    changed = 0
    with database:
        for message in messages:
            if message.value is not None:
                changed += database.execute(UPSERT, ticket_of(json.loads(message.value))).rowcount
        database.execute("INSERT OR REPLACE INTO progress VALUES (?, ?)", (part, messages[-1].offset + 1))
    return changed


def follow(bootstrap: str, topic: str, path: str, *, until_end: bool) -> None:
    """Read the topic from where the table is, for ever or to its end."""
    database = sqlite3.connect(path)
    database.executescript(TABLES)
    consumer = KafkaConsumer(
        bootstrap_servers=bootstrap.split(","), enable_auto_commit=False, isolation_level="read_committed"
    )
    parts = [TopicPartition(topic, part) for part in sorted(consumer.partitions_for_topic(topic) or ())]
    if not parts:
        sys.exit(f"there is no topic {topic} at {bootstrap}")
    consumer.assign(parts)
    known = dict(database.execute("SELECT part, next FROM progress"))
    for part in parts:
        if part.partition in known:
            consumer.seek(part, known[part.partition])
        else:
            consumer.seek_to_beginning(part)
    ends = consumer.end_offsets(parts)
    while not until_end or any(consumer.position(part) < ends[part] for part in parts):
        for part, messages in consumer.poll(timeout_ms=500).items():
            changed = keep(database, part.partition, messages)
            print(f"{part.topic}/{part.partition}: {len(messages)} read, {changed} tickets changed", flush=True)
    consumer.close()
    database.close()


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Keep a ticket table right from the topic of incidents.")
    parser.add_argument("--bootstrap", default="127.0.0.1:9092")
    parser.add_argument("--topic", default="incidents")
    parser.add_argument("--database", default="tickets.db")
    parser.add_argument("--until-end", action="store_true", help="stop at what is the end now")
    given = parser.parse_args()
    follow(given.bootstrap, given.topic, given.database, until_end=given.until_end)


if __name__ == "__main__":
    main()
