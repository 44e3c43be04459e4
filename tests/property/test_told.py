"""Whatever an alert does, and however time passes, the correlating step was told how each of its spells stands."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.settings import FlowSettings
from pipeline.stages.fold import Fold, Rules, Spell, point_of, settle, step
from pipeline.stages.intake import Intake
from schemas.base import MINUTE
from schemas.event import Event, EventKind, fingerprint
from schemas.severity import RANK, Severity

BEGIN = 1_772_409_600_000
SETTINGS = FlowSettings(holds=())
LATENESS = SETTINGS.time.lateness
RULES = Rules(
    SETTINGS.dedup.reopen, SETTINGS.dedup.expire, SETTINGS.flapping.steady, SETTINGS.flapping.start,
    SETTINGS.flapping.stop, (0,) * 6,
)  # fmt: skip
PAUSES = st.sampled_from((10, 20, 30, 60, 120, 400, 1000, 3000))
GAPS = st.lists(
    st.tuples(
        st.sampled_from((10, 20, 30, 60, 120, 400, 1000, 3000)), st.booleans(), st.sampled_from((0, 0, 0, 90, 150))
    ),
    min_size=20,
    max_size=120,
)
"""Seconds to the next event, whether it is a problem, and how many seconds of the lateness the clock has used up."""


def event(number: int, time: int, problem: bool) -> Event:
    return Event(
        id=f"e{number}",
        kind=EventKind.PROBLEM if problem else EventKind.RESOLUTION,
        fingerprint=fingerprint("default", "web", "", "ping"),
        time=time,
        received=time,
        source="native",
        resource="web",
        check="ping",
        severity=Severity.CRITICAL,
    )


def true_spells(events: list[Event], until: int) -> dict[int, Spell]:
    fold = Fold()
    for one in sorted(events, key=lambda e: (e.time, e.kind == EventKind.RESOLUTION, e.id)):
        step(fold, point_of(one, one.time, RANK[one.severity]), RULES)
    settle(fold, until, RULES)
    return {spell.start: spell for spell in (*fold.past, *([fold.spell()] if fold.spells else []))}


@settings(max_examples=300)
@given(GAPS)
def test_each_spell_was_told_as_it_is(gaps: list[tuple[int, bool, int]]) -> None:
    intake = Intake(SETTINGS)
    told: dict[int, Spell] = {}
    events: list[Event] = []
    now = BEGIN
    for number, (gap, problem, ahead) in enumerate(gaps):
        now += gap * 1000
        events.append(event(number, now, problem))
        changes = intake.advance(max(intake.watermark, now - LATENESS + ahead * 1000))
        if (change := intake.event(events[-1], events[-1].time, False)) is not None:
            changes.append(change)
        for one in changes:
            told.update({spell.start: spell for spell in one.spells})
            for start in one.gone:
                told.pop(start, None)
    for late in range(60):
        for one in intake.advance(now + late * MINUTE):
            told.update({spell.start: spell for spell in one.spells})
    assert told == true_spells(events, intake.watermark)
