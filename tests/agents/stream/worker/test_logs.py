"""What a worker logs: one line a thing, and not the same a hundred times a second while no broker is there."""

from __future__ import annotations

import logging
from typing import Any

import orjson

from agents.stream.worker.logs import KNOWN, SAME, JsonLines, Once


def lines(said: list[tuple[float, str, str, tuple[Any, ...]]]) -> list[dict[str, Any]]:
    """What is written of what was said: when, by whom, the words and their arguments."""
    once, written = Once(), []
    for at, name, words, given in said:
        record = logging.LogRecord(name, logging.ERROR, "", 0, words, given, None)
        record.created = at
        if once.filter(record):
            written.append(orjson.loads(JsonLines().format(record)))
    return written


def test_a_library_says_the_same_once_in_a_while_and_how_often_it_was_said_in_between() -> None:
    said = [(n / 10, "aiokafka", "Unable to connect to node %s", (n,)) for n in range(int(SAME * 10) + 1)]
    first, last = lines(said)
    assert first["message"] == "Unable to connect to node 0"
    assert "tocsin.log.repeated" not in first
    assert last["message"] == f"Unable to connect to node {int(SAME * 10)}"
    assert last["tocsin.log.repeated"] == SAME * 10 - 1


def test_what_is_new_is_told_at_once() -> None:
    said = [("kafka.cluster", "No node"), ("kafka.cluster", "No broker"), ("kafka.coordinator", "No node")]
    assert len(lines([(0.0, *one, ()) for one in said])) == 3


def test_our_own_words_are_always_told() -> None:
    assert len(lines([(0.0, "agents.stream.ingest.run", "writing failed, and is tried again", ())] * 5)) == 5


def test_what_is_remembered_does_not_grow_for_ever() -> None:
    many = [(0.0, "kafka.cluster", f"node {n}", ()) for n in range(KNOWN + 1)]
    assert len(lines([*many, many[0]])) == KNOWN + 2  # it was forgotten that it had been said
