"""To look only at sizes and times gives the event that the whole validation gives, or the same refusal."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pipeline.sources.common import build, build_known
from schemas.base import BadRecord
from schemas.event import Event, EventKind, Signal
from schemas.severity import Severity

END_OF_2099, END_OF_9999 = 4_102_444_799_999, 253_402_300_799_999
times = st.sampled_from(
    [-1, 0, 1, 1_772_409_600_074, *(end + more for end in (END_OF_2099, END_OF_9999) for more in (-1, 0, 1)), 2**64]
)
short = st.text(max_size=8)


def sized(*sizes: int) -> st.SearchStrategy[str]:
    """Texts, some of them as long as a field may be, and longer."""
    return short | st.sampled_from(["a" * size for size in sizes] + ["\U0001f525" * size for size in sizes])


names = sized(0, 1023, 1024, 1025)
known = st.fixed_dictionaries(
    {
        "id": st.just("39db6df6e4988d5ac5e241f4"),
        "kind": st.sampled_from(EventKind),
        "time": times,
        "received": times,
        "source": names,
        "tenant": names,
        "resource": names,
        "component": names,
        "check": names,
        "severity": st.sampled_from(Severity),
        "signal": st.sampled_from(Signal),
        "summary": sized(0, 8191, 8192, 8193),
        "labels": st.dictionaries(short, short, max_size=3),
        "value": st.none(),
        "unit": st.just(""),
        "ends_at": st.none() | times,
        "clear_key": st.none() | short,
        "fingerprint": st.just("351927586c29a57b61128b67"),
        "url": short,
    }
).map(lambda fields: {name: fields[name] for name in Event.model_fields})
GOOD: dict[str, Any] = dict.fromkeys(Event.model_fields, "x") | {
    "kind": EventKind.PROBLEM,
    "time": 1,
    "received": 2,
    "severity": Severity.MAJOR,
    "signal": Signal.FAULT,
    "labels": {},
    "value": None,
    "ends_at": None,
    "clear_key": None,
}


def outcome(made: Any, fields: dict[str, Any]) -> object:
    """The event, with its JSON, or what is said of it."""
    try:
        event = made(dict(fields))
    except BadRecord as error:
        return error.reason, error.detail
    return event, event.model_dump_json(), repr(event)


@given(known)
def test_all_fields_with_any_fault_they_can_have(fields: dict[str, Any]) -> None:
    assert outcome(build_known, fields) == outcome(build, fields)


@given(known, st.sampled_from(list(GOOD)))
def test_one_field_with_any_fault_it_can_have(fields: dict[str, Any], name: str) -> None:
    one = {**GOOD, name: fields[name]}
    assert outcome(build_known, one) == outcome(build, one)
