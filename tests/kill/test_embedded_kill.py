"""A host killed at any moment, again and again, ends where an undisturbed one ends, byte for byte."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from agents.simulate import simulate
from tests.kill.harness import differences, disturbed, dump, make_recording, moments, undisturbed

LINES, EVERY, KILLS = 8000, 97, 8


@pytest.mark.kill
@pytest.mark.timeout(600)
def test_killed_again_and_again_it_ends_the_same(tmp_path: Path) -> None:
    recording = make_recording(simulate(1), tmp_path, LINES)
    calm, shaken = tmp_path / "calm.db", tmp_path / "shaken.db"
    seconds = undisturbed(recording, calm, EVERY)
    killed = disturbed(recording, shaken, EVERY, moments(Random("kills 1"), KILLS, seconds))
    assert len(killed.applied) == KILLS, f"it ended before it was killed {KILLS} times: {killed}"
    assert len({applied for applied in killed.applied if applied}) >= KILLS // 2, f"it got nowhere: {killed}"
    assert all(dump(calm).values()), "nothing to compare"
    assert not differences(calm, shaken)
