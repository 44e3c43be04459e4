"""How far many partitions are, said in one message: the same as if each had said it in one of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from agents.stream.wire import Events, Tick
from agents.stream.worker.abreast import AHEAD
from agents.stream.worker.alerts import AlertShard
from pipeline.settings import FlowSettings
from schemas.base import MINUTE, SECOND, Millis
from schemas.event import Event, EventKind
from schemas.severity import Severity
from tests.agents.stream.worker.packs import arrived
from tests.agents.stream.worker.reborn import checkpoint, reborn

SETTINGS = FlowSettings()
T0 = 1_772_409_600_000
ORIGINS = tuple(f"raw.native/{n}" for n in range(3))

kinds = st.sampled_from((EventKind.PROBLEM, EventKind.RESOLUTION))
some_events = st.lists(st.tuples(st.integers(0, 3), kinds), max_size=3)
said = st.tuples(st.sampled_from(ORIGINS), st.integers(0, 3 * AHEAD), some_events)
rounds = st.lists(st.integers(0, 2 * AHEAD), min_size=3, max_size=3)


def event(name: int, kind: EventKind, at: Millis, number: int) -> Event:
    return Event(
        id=f"e{number}", kind=kind, time=at, received=at, source="native", resource=f"h{name}", check="ping",
        severity=Severity.MAJOR, fingerprint=f"h{name}",
    )  # fmt: skip


def state_of(shard: AlertShard) -> dict[str, Any]:
    """All but the numbers of inputs, of which there are fewer."""
    return {
        "alerts": [alert.model_dump(exclude={"version"}) for alert in shard.step.export()],
        "upstreams": shard.upstreams.table.live,
        "heard": shard.abreast._heard.table.live,
        "held": [one.origin for _, one in sorted(shard.abreast._held.live.items())],
    }


def changes(shard: AlertShard) -> list[Any]:
    return [change for waiting in shard._waiting.values() for change in waiting.changes]


@given(st.lists(st.one_of(said, rounds), max_size=12))
def test_ticks_of_many_origins_do_what_a_message_for_each_does(given_: Sequence[Any]) -> None:
    together, apart = AlertShard(SETTINGS, 0, 2), AlertShard(SETTINGS, 0, 2)
    highs, number = dict.fromkeys(ORIGINS, T0), 0
    for shard in (together, apart):
        shard.apply(arrived(Events("", 0, 0, ticks=[Tick(origin, 0) for origin in ORIGINS])))
    for now, one in enumerate(given_):
        sent = now * SECOND
        if isinstance(one, tuple):
            origin, after, told = one
            highs[origin] += after
            events = [event(name, kind, highs[origin], number + at) for at, (name, kind) in enumerate(told)]
            number += len(events)
            for shard in (together, apart):
                shard.apply(arrived(Events(origin, highs[origin], sent, events)))
            continue
        for origin, after in zip(ORIGINS, one, strict=True):
            highs[origin] += after
        ticks = [Tick(origin, high) for origin, high in highs.items()]
        together.apply(arrived(Events("", 0, sent, ticks=ticks)))
        for tick in ticks:
            apart.apply(arrived(Events(tick.origin, tick.high, sent, rests=tick.rests)))
    assert together.clock.high == apart.clock.high
    assert changes(together) == changes(apart)
    assert state_of(together) == state_of(apart)


def test_what_goes_to_rest_and_what_speaks_again_in_one_message_are_told_at_once() -> None:
    """None of them passes for the only one that speaks: time would be as far as that one."""
    shard = AlertShard(SETTINGS, 0, 1)
    shard.apply(arrived(Events("", 0, 1, ticks=[Tick("a", T0 + MINUTE), Tick("b", T0, rests=True)])))
    assert shard.clock.high == T0 + MINUTE
    shard.apply(arrived(Events("", 0, 2, ticks=[Tick("a", T0 + 9 * MINUTE), Tick("b", T0 + 5 * MINUTE)])))
    assert shard.clock.high == T0 + 5 * MINUTE


def test_a_tick_waits_behind_what_its_origin_said_before_and_a_restart_keeps_it() -> None:
    shard = AlertShard(SETTINGS, 0, 1)
    shard.apply(arrived(Events("", 0, 1, ticks=[Tick("slow", T0), Tick("fast", T0)])))
    ahead = T0 + 2 * AHEAD
    shard.apply(arrived(Events("fast", ahead, 2, [event(1, EventKind.PROBLEM, ahead, 1)])))
    shard.apply(arrived(Events("", 0, 3, ticks=[Tick("slow", T0 + MINUTE), Tick("fast", ahead + MINUTE)])))
    assert (len(shard.abreast), shard.clock.high) == (2, T0)
    again = reborn(AlertShard(SETTINGS, 0, 1), checkpoint(shard))
    again.finish()
    again.apply(arrived(Events("", 0, 4, ticks=[Tick("slow", ahead + 2 * MINUTE)])))
    assert (len(again.abreast), again.clock.high) == (0, ahead + MINUTE)
    assert len(changes(again)) == 1
