"""A host killed at any moment, again and again, ends where an undisturbed one ends, byte for byte."""

from __future__ import annotations

from pathlib import Path
from random import Random

import orjson
import pytest

from agents.simulate import simulate
from tests.kill.harness import differences, disturbed, dump, make_recording, moments, undisturbed
from tests.kill.measured import measured

EVERY, KILLS = 250, 8

WHAT_HAPPENS = {
    *(f"{action} done" for action in ("acknowledge", "pend", "resume", "resolve", "merge", "split", "note")),
    *(f"{action} done" for action in ("silence", "unsilence", "put-reference")),
    "close wrong-state",
    *("silence", "maintenance", "inhibition", "transient"),
    *("rule", "command"),
}
"""Commands with their answers, reasons of suppression, and reasons of joins."""


def happened(store: Path) -> set[str]:
    """What happened of that in the run that left a store."""
    found = set()
    rows = dump(store)
    for kind, value in [(row[0], row[3]) for row in rows["records"]] + [(row[2], row[4]) for row in rows["history"]]:
        record = orjson.loads(value)
        if kind == "audit":
            found.add(f"{record['action']} {record['reason']}")
        elif kind == "ledger":
            found.add(record["reason"])
        elif kind == "incident":
            found.update(member["join"]["reason"] for member in record["members"])
    return found


@pytest.mark.kill
@pytest.mark.timeout(600)
def test_killed_again_and_again_it_ends_the_same(tmp_path: Path) -> None:
    recording = make_recording(simulate(1), tmp_path)
    calm, shaken = tmp_path / "calm.db", tmp_path / "shaken.db"
    seconds = undisturbed(recording, calm, EVERY)
    killed = disturbed(recording, shaken, EVERY, moments(Random("kills 1"), KILLS, seconds))
    assert len(killed.applied) == KILLS, f"it ended before it was killed {KILLS} times: {killed}"
    assert len({applied for applied in killed.applied if applied}) >= KILLS // 2, f"it got nowhere: {killed}"
    assert all(dump(calm).values()), "nothing to compare"
    assert not WHAT_HAPPENS - happened(calm), "not all of what is to survive has happened"
    assert not differences(calm, shaken)


@pytest.mark.kill
@pytest.mark.timeout(600)
def test_what_was_learned_of_metrics_survives_it_too(tmp_path: Path) -> None:
    day = simulate(2)
    recording = make_recording(measured(day._replace(lines=day.lines[:6000]), 2), tmp_path)
    calm, shaken = tmp_path / "calm.db", tmp_path / "shaken.db"
    seconds = undisturbed(recording, calm, EVERY)
    killed = disturbed(recording, shaken, EVERY, moments(Random("kills 2"), KILLS, seconds))
    assert len({applied for applied in killed.applied if applied}) >= KILLS // 2, f"it got nowhere: {killed}"
    checks = {orjson.loads(row[4]).get("check", "") for row in dump(calm)["history"] if row[2] == "transition"}
    assert {"system_load1 anomaly", "disk_used_percent forecast"} <= checks
    assert not differences(calm, shaken)
