"""Several packs in one message: all of them, in order, and no message larger than it may be."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from agents.stream.parcel import packs_in, together
from agents.stream.sizes import PACK_BYTES
from agents.stream.wire import Events, pack_events, unpack_events
from schemas.event import Event, EventKind
from schemas.severity import Severity

T0 = 1_772_409_600_000


def event(kind: EventKind, text: str) -> Event:
    return Event(
        id="e", kind=kind, time=T0, received=T0, source="native", resource="h", check="c", summary=text,
        fingerprint="f", severity=Severity.MAJOR,
    )  # fmt: skip


lengths = st.sampled_from([10, PACK_BYTES // 3, PACK_BYTES // 2, PACK_BYTES + 10])
packs = st.builds(
    lambda length, second: b'{"v":5,"a":"' + b"x" * length + b'"}' + second,
    lengths,
    st.sampled_from([b"", b'\n{"fields":[]}']),
)


@given(st.lists(st.tuples(packs, st.integers(0, 4)), max_size=6), st.integers(1, 6))
def test_packs_come_out_as_they_went_in_and_messages_are_no_larger_than_they_may_be(
    counted: list[tuple[bytes, int]], most: int
) -> None:
    messages = list(together(counted, most))
    inside = [packs_in(message) for message in messages]
    assert [pack for some in inside for pack in some] == [pack for pack, _ in counted]
    counts = iter(count for _, count in counted)
    numbers = [[next(counts) for _ in some] for some in inside]
    for message, some in zip(messages, numbers, strict=True):
        assert len(some) == 1 or (sum(some) <= most and len(message) <= PACK_BYTES)
    for at, (one, other) in enumerate(pairwise(inside)):
        room = PACK_BYTES - len(b"\n".join([*one, other[0]]))
        assert sum(numbers[at]) + numbers[at + 1][0] > most or room <= 0, "the next one would have had room"


def test_whatever_is_in_the_text_of_an_event_is_no_next_pack() -> None:
    packs = [
        Events(f"raw.native/{n}", T0, T0, [event(kind, '\n{"v":5}') for kind in (EventKind.PROBLEM, EventKind.REQUEST)])
        for n in range(3)
    ]
    (message,) = together(((pack_events(one), len(one.events)) for one in packs), 10)
    assert [unpack_events(one).events for one in packs_in(message)] == [one.events for one in packs]


def test_what_older_versions_wrote_is_one_pack() -> None:
    for message in (
        b'{"v": 4, "kind": "events"}',
        b'{"v":4,"kind":"events"}\n{"fields":["id"],"rows":[["v"]]}',
        b"",
        b"x\ny",
    ):
        assert packs_in(message) == [message]
