"""The alert step looks at a pack of usual events as a whole, and nobody can tell."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from agents.simulate import simulate
from agents.stream import wire
from agents.stream.wire import Arrivals, Events, unpack_changes
from agents.stream.worker.alerts import AlertShard
from benchmarks.day import decoded
from pipeline.settings import FlowSettings
from pipeline.stages.skew import vouched_time
from schemas.base import HOUR, MINUTE, SECOND
from schemas.event import Event, EventKind
from schemas.severity import Severity
from tests.agents.stream.worker.packs import arrived

SETTINGS = FlowSettings()
T0 = 1_772_409_600_000
DAY = [event for event, _ in decoded(simulate(1))][:6000]


def packs_of(events: Sequence[Event], size: int) -> Iterable[Arrivals]:
    high = T0
    for at in range(0, len(events), size):
        some = events[at : at + size]
        high = max(high, *(vouched_time(event, SETTINGS.time.skew) for event in some))
        yield arrived(Events("raw.day/0", high, at, some))
    yield arrived(Events("raw.day/0", high + HOUR, len(events)))


def state_of(shard: AlertShard) -> dict[str, Any]:
    """All but the numbers of inputs, which are versions."""
    alerts = {alert.fingerprint: alert.model_dump(exclude={"version"}) for alert in shard.step.export()}
    return {"alerts": alerts, "skew": shard.step.skew.table.live, "counters": shard.counters()}


def changes_of(shard: AlertShard) -> list[Any]:
    return sorted(change for out in shard.take(0) for change in unpack_changes(out.value).changes)


def both(packs: Iterable[Arrivals]) -> tuple[int, AlertShard, AlertShard]:
    """How many packs were usual, and the shards of those who looked at them as a whole and one by one."""
    quick, slow = AlertShard(SETTINGS, 0, 1), AlertShard(SETTINGS, 0, 1)
    usual = 0
    for pack in packs:
        usual += bool(pack.plain) and quick.step.knows(pack.plain)
        quick.apply(pack)
        slow.apply(wire.one_by_one(pack))
    return usual, quick, slow


def test_a_day_ends_the_same_whether_its_events_are_looked_at_together_or_one_by_one() -> None:
    usual, quick, slow = both(packs_of(DAY, 100))
    assert usual > 30
    assert state_of(quick) == state_of(slow)
    assert changes_of(quick) == changes_of(slow)


@st.composite
def events(draw: st.DrawFn) -> Event:
    number = draw(st.integers(0, 400))
    time = T0 + draw(st.integers(0, 40)) * 15 * SECOND
    source, resource = draw(st.sampled_from("ab")), draw(st.sampled_from("xy"))
    return Event(
        id=f"{number}",
        kind=draw(st.sampled_from(EventKind)),
        time=time,
        received=max(time + draw(st.sampled_from((0, 0, 0, SECOND, 2 * MINUTE, -2 * MINUTE))), 0),
        source=source,
        resource=resource,
        check="ping",
        severity=draw(st.sampled_from(Severity)),
        fingerprint=f"{source}{resource}",
    )


@given(st.lists(events(), max_size=40), st.integers(1, 12))
def test_clocks_that_are_off_and_events_that_are_late_are_seen_all_the_same(some: list[Event], size: int) -> None:
    _, quick, slow = both(packs_of(some, size))
    found, wanted = state_of(quick), state_of(slow)
    assert found["skew"] == wanted["skew"]
    assert found["counters"] == wanted["counters"]
    assert found["alerts"] == wanted["alerts"]
