"""What the hop makes of messages, without Kafka: nothing is lost, alerts stay together and in order, time is told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import orjson
from hypothesis import given
from hypothesis import strategies as st

from agents.stream.ingest.hop import Hop, Out
from agents.stream.parcel import packs_in
from agents.stream.partition import partition_of
from agents.stream.sizes import PACK_BYTES
from agents.stream.wire import Events, Tick, unpack_events, unpack_record, unpack_samples
from pipeline.sources.normalise import Normaliser
from pipeline.sources.registry import SOURCES, make_source
from schemas.event import DeadLetter, Event

T0 = 1_714_521_600_000


class Read(NamedTuple):
    """A message as Kafka's client gives it."""

    value: bytes | None
    offset: int = 0
    timestamp: int = T0
    headers: Sequence[tuple[str, bytes | None]] = ()
    topic: str = "raw.native"
    partition: int = 0
    key: bytes | None = None


def hop(targets: int = 4, pack: int = 100, clock: bool = False) -> Hop:
    return Hop(Normaliser({name: make_source(name) for name in SOURCES}), targets, skew=30_000, pack=pack, clock=clock)


def payload(host: str = "h1", time: int = T0, **more: object) -> bytes:
    fields = {"kind": "problem", "time": time, "resource": host, "check": "ping", "severity": "major"}
    return orjson.dumps(fields | more)


def packs_of(out: Out) -> list[Events]:
    return [unpack_events(pack) for pack in packs_in(out.value)]


def packs(work: Hop) -> list[tuple[int, Events]]:
    outs = [out for out in work.packs(sent=T0) if out.topic == "events"]
    return [(out.partition, pack) for out in outs if out.partition is not None for pack in packs_of(out)]


def ticks(outs: Sequence[Out]) -> list[tuple[int | None, Tick]]:
    """What is said to each partition of events."""
    found = [(out.partition, pack) for out in outs if out.topic == "events" for pack in packs_of(out)]
    return [(target, tick) for target, pack in found for tick in pack.ticks]


@given(
    st.lists(st.tuples(st.integers(0, 20), st.integers(0, 60_000)), max_size=60), st.integers(1, 5), st.integers(1, 7)
)
def test_each_event_is_in_one_pack_of_the_partition_of_its_alert_in_the_order_it_was_read(
    read: list[tuple[int, int]], targets: int, most: int
) -> None:
    work = hop(targets, most)
    messages = [Read(payload(f"h{host}", T0 - before, id=f"e{at}"), at) for at, (host, before) in enumerate(read)]
    work.take("raw.native/0", "native", messages)
    found = packs(work)
    events: dict[int, list[Event]] = {}
    for target, pack in found:
        assert 1 <= len(pack.events) <= most
        assert pack.origin == "raw.native/0"
        events.setdefault(target, []).extend(pack.events)
    numbers = {target: [int(event.id[1:]) for event in some] for target, some in events.items()}
    assert sorted(number for some in numbers.values() for number in some) == list(range(len(read)))
    assert all(some == sorted(some) for some in numbers.values())
    for target, some in events.items():
        assert {partition_of(event.fingerprint.encode(), targets) for event in some} == {target}
    assert work.waiting == 0
    assert packs(work) == []


def test_a_pack_tells_how_far_its_upstream_partition_is_whatever_partition_the_events_went_to() -> None:
    work = hop()
    work.take("raw.native/0", "native", [Read(payload("h1", T0 - 5000)), Read(payload("h2", T0 - 1000))])
    work.take("raw.native/1", "native", [Read(payload("h1", T0 - 9000))])
    found = packs(work)
    assert {(pack.origin, pack.high) for _, pack in found} == {("raw.native/0", T0 - 1000), ("raw.native/1", T0 - 9000)}
    outs = work.ticks(T0)
    told = [(target, pack.origin) for target, pack in found] + [(target, tick.origin) for target, tick in ticks(outs)]
    assert sorted(told) == [(target, f"raw.native/{n}") for target in range(4) for n in range(2)]
    assert {tick.high for _, tick in ticks(outs)} <= {T0 - 1000, T0 - 9000}
    assert len(outs) == len({out.partition for out in outs}), "one message says it of all origins"
    assert not any(pack.events for out in outs for pack in packs_of(out))
    assert work.ticks(T0) == []


def test_a_clock_that_is_ahead_does_not_move_time_beyond_when_it_was_received() -> None:
    work = hop(1)
    work.take("raw.native/0", "native", [Read(payload(time=T0 + 3_600_000))])
    assert [pack.high for _, pack in packs(work)] == [T0]


def test_a_partition_read_to_its_end_is_as_far_as_the_clock_and_never_goes_back() -> None:
    work = hop(2, clock=True)
    work.meet("raw.native/3", "native")
    found = ticks(work.ticks(T0 + 7, ["raw.native/3"]))
    assert found == [(target, Tick("raw.native/3", T0 + 7)) for target in range(2)]
    assert work.ticks(T0, ["raw.native/3"]) == []


def test_each_pack_says_how_far_its_partition_was_by_its_last_event() -> None:
    work = hop(1, pack=2)
    read = [Read(payload("h1", time=T0 + minute * 60_000)) for minute in (3, 1, 2, 9, 5)]
    work.take("raw.native/0", "native", [one._replace(timestamp=T0 + 600_000) for one in read])
    assert [(len(pack.events), pack.high - T0) for _, pack in packs(work)] == [(2, 180_000), (2, 540_000), (1, 540_000)]


def test_a_partition_of_which_nothing_was_read_yet_is_waited_for() -> None:
    work = hop(2)
    work.meet("raw.native/3", "native")
    work.take("raw.native/0", "native", [Read(payload("h1"))])
    both = [Tick("raw.native/3", 0), Tick("raw.native/0", 0)]
    assert ticks(work.greetings(T0)) == [(target, tick) for target in range(2) for tick in both]
    assert work.greetings(T0) == []


def test_without_a_clock_a_partition_read_to_its_end_rests_until_it_speaks_again() -> None:
    work = hop(1)
    work.take("raw.native/3", "native", [Read(payload())])
    (high,) = {pack.high for _, pack in packs(work)}
    assert ticks(work.ticks(T0 + 7, ["raw.native/3"])) == [(0, Tick("raw.native/3", high, rests=True))]
    assert work.ticks(T0 + 8, ["raw.native/3"]) == []
    work.take("raw.native/3", "native", [Read(payload())])
    assert [pack.rests for _, pack in packs(work)] == [False]
    assert [tick.rests for _, tick in ticks(work.ticks(T0 + 9, ["raw.native/3"]))] == [True]


def test_what_fails_is_told_with_reason_coordinates_and_bytes_and_the_rest_goes_on() -> None:
    work = hop()
    messages = [
        Read(b"\xff{", 7),
        Read(payload(), 8),
        Read(None, 9),
        Read(b"[1]", 10, headers=[("origin", b"10.0.0.9")]),
    ]
    work.take("raw.native/2", "native", messages)
    outs = work.packs(T0)
    letters = [unpack_record(DeadLetter, out.value) for out in outs if out.topic == "dead"]
    assert [(letter.reason, letter.coordinates, letter.raw.payload) for letter in letters] == [
        ("not-utf8", "raw.native/2@7", b"\xff{"),
        ("empty", "raw.native/2@9", b""),
        ("bad-value", "raw.native/2@10", b"1"),
    ]
    assert [letter.raw.origin for letter in letters] == ["", "", "10.0.0.9"]
    assert [out.key for out in outs if out.topic == "dead"] == [letter.id.encode() for letter in letters]
    assert sum(len(pack.events) for out in outs if out.topic == "events" for pack in packs_of(out)) == 1
    assert work.refused == {("native", "not-utf8"): 1, ("native", "empty"): 1, ("native", "bad-value"): 1}


def test_a_device_is_named_by_the_header_where_its_message_names_none() -> None:
    work = hop(1)
    work.take("raw.syslog/0", "syslog", [Read(b"<34>su: failed", headers=[("origin", b"10.0.0.9")])])
    assert [event.resource for _, pack in packs(work) for event in pack.events] == ["10.0.0.9"]


def test_a_header_without_a_value_names_no_device_and_stops_nothing() -> None:
    work = hop(1)
    work.take("raw.native/0", "native", [Read(payload("h1"), headers=[("origin", None)])])
    assert [event.resource for _, pack in packs(work) for event in pack.events] == ["h1"]


def test_performance_data_go_to_metrics_and_a_series_stays_in_one_partition() -> None:
    work = hop(4)
    body = orjson.dumps(
        {
            "NOTIFICATIONTYPE": "PROBLEM", "HOSTNAME": "h1", "SERVICEDESC": "disk", "SERVICESTATE": "WARNING",
            "TIMET": str(T0 // 1000), "SERVICEPERFDATA": "/=90%;80;95 /var=10%;80;95", "SERVICEOUTPUT": "90 % full",
        }
    )  # fmt: skip
    work.take("raw.nagios/0", "nagios", [Read(body, 1), Read(body, 2)])
    outs = [out for out in work.packs(T0) if out.topic == "metrics"]
    series: dict[str, set[int | None]] = {}
    for out in outs:
        for sample in unpack_samples(out.value).samples:
            series.setdefault(sample.metric, set()).add(out.partition)
    assert len(series) == 2
    assert all(len(partitions) == 1 for partitions in series.values())


def lines(time: int, value: int = 1) -> bytes:
    return f"load,host=h1 value={value} {time * 1_000_000}".encode()


def told_of(outs: Sequence[Out], topic: str) -> list[tuple[int | None, str, int]]:
    """Where it goes, whose time it is, and what that is; of packs without rows."""
    heads = [(out.partition, orjson.loads(out.value)) for out in outs if out.topic == topic]
    return [(target, head["origin"], head["high"]) for target, head in heads if "rows" not in head]


def test_samples_move_time_of_metrics_and_a_clock_that_is_ahead_does_not() -> None:
    for read, high in (((T0 - 5_000, T0 + 3_600_000), T0), ((T0 - 5_000, T0 - 9_000), T0 - 5_000)):
        work = hop(1, clock=True)
        work.take("raw.influx/0", "influx", [Read(lines(time)) for time in read])
        (out,) = work.packs(T0)
        assert unpack_samples(out.value).high == high
        assert told_of(work.ticks(T0), "events") == [], "events do not wait for whoever reads samples"


def test_in_a_replay_samples_move_time_of_events() -> None:
    for clock, told in ((True, []), (False, [(0, "raw.influx/0", T0)])):
        work = hop(1, clock=clock)
        work.take("raw.influx/0", "influx", [Read(lines(T0))])
        assert [(at, *tick[:2]) for at, tick in ticks(work.ticks(T0))] == told


def test_samples_that_are_read_late_say_so_in_ordinary_life_and_not_in_a_replay() -> None:
    for clock, sent in ((True, T0), (False, T0 + 3_600_000)):
        work = hop(1, clock=clock)
        work.take("raw.influx/0", "influx", [Read(lines(T0))])
        (out,) = work.packs(T0 + 3_600_000)
        assert unpack_samples(out.value).sent == sent
    work = hop(1, clock=True)
    work.take("raw.influx/0", "influx", [Read(lines(T0))])
    work.packs(T0 + 1_000)
    work.ticks(T0 + 5_000, ["raw.influx/0"])
    work.take("raw.influx/0", "influx", [Read(lines(T0), timestamp=T0 + 6_000)])
    assert unpack_samples(work.packs(T0 + 6_500)[0].value).sent == T0 + 6_000


def test_metrics_are_told_how_far_those_are_from_which_samples_come() -> None:
    work = hop(2, clock=True)
    work.take("raw.influx/0", "influx", [Read(lines(T0 - 5_000))])
    work.take("raw.native/0", "native", [Read(payload())])
    (target,) = {out.partition for out in work.packs(T0) if out.topic == "metrics"}
    assert told_of(work.ticks(T0), "metrics") == [(1 - (target or 0), "raw.influx/0", T0 - 5_000)]
    ended = ["raw.influx/0", "raw.native/0"]
    outs = work.ticks(T0 + 1_000, ended)
    assert told_of(outs, "metrics") == [(n, "raw.influx/0", T0 + 1_000) for n in range(2)]
    assert ticks(outs) == [(n, Tick(name, T0 + 1_000)) for n in range(2) for name in ended]
    assert work.ticking == 4


def test_in_a_replay_metrics_are_told_what_is_read_to_its_end_as_well() -> None:
    work = hop(1)
    work.take("raw.influx/0", "influx", [Read(lines(T0 - 5_000))])
    work.packs(T0)
    rests = [unpack_samples(out.value).rests for out in work.ticks(T0, ["raw.influx/0"]) if out.topic == "metrics"]
    assert rests == [True]
    assert not [out for out in work.ticks(T0, ["raw.influx/0"]) if out.topic == "metrics"]


def test_what_is_read_by_others_is_forgotten() -> None:
    work = hop(1)
    work.take("raw.native/0", "native", [Read(payload("h1"))])
    work.take("raw.native/1", "native", [Read(payload("h2"))])
    work.forget(["raw.native/0"])
    assert [pack.origin for _, pack in packs(work)] == ["raw.native/1"]
    work.take("raw.native/1", "native", [Read(payload("h2")), Read(b"")])
    work.forget()
    assert work.packs(T0) == []


def test_a_pack_that_were_too_large_is_sent_in_parts_of_which_each_says_how_far_it_is() -> None:
    work = hop(1)
    times = [T0 - 1000 + at for at in range(100)]
    wordy = [Read(payload(f"h{at}", time, id=f"e{at}", summary="s" * 8100), at) for at, time in enumerate(times)]
    work.take("raw.native/0", "native", wordy)
    outs = work.packs(sent=T0)
    found = [pack for out in outs for pack in packs_of(out)]
    assert max(len(out.value) for out in outs) <= PACK_BYTES
    assert [event.time for pack in found for event in pack.events] == times
    assert [pack.high for pack in found] == [pack.events[-1].time for pack in found]


def test_an_event_without_room_is_a_dead_letter_with_its_bytes_and_the_others_are_taken() -> None:
    work = hop()
    labels = {f"line {number}": "\x01" * 100 for number in range(2000)}
    both = orjson.dumps([orjson.loads(payload("large", labels=labels)), orjson.loads(payload("h2"))])
    large = [payload("small"), both]
    work.take("raw.native/0", "native", [Read(one, at) for at, one in enumerate(large)])
    outs = work.packs(sent=T0)
    found = [pack for out in outs if out.topic == "events" for pack in packs_of(out)]
    assert {event.resource for pack in found for event in pack.events} == {"small", "h2"}
    (letter,) = (unpack_record(DeadLetter, out.value) for out in outs if out.topic == "dead")
    assert (letter.reason, letter.raw.payload) == ("too-large", large[1])
    assert letter.detail.startswith("1 of 2 events")
    assert letter.coordinates == "raw.native/0@1"
