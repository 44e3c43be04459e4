"""What all sources share: reading JSON and fields, and turning whatever is wrong with an input into one `BadRecord`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import orjson
from pydantic import ValidationError

from pipeline.settings import parse_duration
from pipeline.sources.base import Decoded, Refused, decoded
from pipeline.sources.times import LATEST
from schemas.base import LONGEST_NAME, BadRecord, ConfigError
from schemas.event import END_OF_TIME, Event, EventKind, MetricSample, Signal
from schemas.severity import Severity

REASONS = frozenset(
    {
        "empty",
        "not-utf8",
        "not-json",
        "not-csv",
        "not-snappy",
        "not-protobuf",
        "missing-field",
        "bad-time",
        "bad-value",
        "bad-severity",
        "too-long",
        "unsupported",
        "unknown-source",
    }
)
"""Every reason a source may give. Stable: they are counted and matched on."""

LONGEST_SUMMARY = 8192
PROBLEM, RESOLUTION, INFORMATION = EventKind.PROBLEM, EventKind.RESOLUTION, EventKind.INFORMATION
FAULT = Signal.FAULT
"""These by names of their own: to look one up in its class costs as much as to call a function."""

_INFO = Severity.INFO
_TIMES = {"time", "received", "ends_at"}
_T = TypeVar("_T")
_event: Callable[[dict[str, Any]], Event] = Event.__pydantic_validator__.validate_python
"""As `Event(**fields)`, in half the time: this runs for every event."""


def parse_json(payload: bytes) -> object:
    """The JSON value of a payload; raises BadRecord empty, not-utf8 or not-json."""
    try:
        return orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        if not payload.strip():
            raise BadRecord("empty", "the payload has no content") from None
        decode_utf8(payload)
        raise BadRecord("not-json", str(error)) from None


def decode_utf8(payload: bytes) -> str:
    """The text of a payload; raises BadRecord not-utf8."""
    try:
        return payload.decode()
    except UnicodeDecodeError as error:
        raise BadRecord("not-utf8", f"byte {error.start}: {error.reason}") from None


def as_object(value: object, what: str) -> dict[str, Any]:
    """`value` if it is a JSON object; raises BadRecord bad-value."""
    if isinstance(value, dict):
        return value
    raise BadRecord("bad-value", f"{what} must be an object, not {json_type(value)}")


def as_list(value: object, what: str) -> list[Any]:
    """`value` if it is a JSON array; raises BadRecord bad-value."""
    if isinstance(value, list):
        return value
    raise BadRecord("bad-value", f"{what} must be an array, not {json_type(value)}")


def json_type(value: object) -> str:
    """The name of a JSON type, for a message."""
    names = {dict: "an object", list: "an array", str: "a string", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number")


def text_of(value: object) -> str:
    """Any JSON value as text: strings as they are, None as nothing, the rest as JSON."""
    if type(value) is str:
        return value
    if value is None:
        return ""
    try:
        return orjson.dumps(value).decode()
    except (orjson.JSONEncodeError, RecursionError) as error:
        raise BadRecord("bad-value", str(error)) from None


def labels_of(value: object, what: str) -> dict[str, str]:
    """A JSON object as labels: values become text, empty ones are left out."""
    return {key: text for key, item in as_object(value, what).items() if (text := text_of(item))}


def first_text(fields: Mapping[str, object], *names: str) -> str:
    """The first of the named fields that is a non-empty string or a number, as text; "" where there is none."""
    for name in names:
        value = fields.get(name)
        if (
            value is not None
            and value != ""
            and isinstance(value, str | int | float)
            and (text := text_of(value).strip())
        ):
            return text
    return ""


def require(fields: Mapping[str, object], *names: str) -> str:
    """The same, and BadRecord missing-field where there is none."""
    if text := first_text(fields, *names):
        return text
    raise BadRecord("missing-field", f"{' or '.join(names)} is missing or empty")


def kind_at(severity: Severity) -> EventKind:
    """What an open report of this severity is: "info" is never a problem."""
    return INFORMATION if severity is _INFO else PROBLEM


def build(fields: dict[str, Any]) -> Event:
    """An event; what is wrong with its fields becomes a BadRecord. A summary too long for a person is cut."""
    ends = fields.get("ends_at")
    if isinstance(ends, int) and ends > END_OF_TIME:
        fields["ends_at"] = None  # the year 9999 and the like: it has no end
    summary = fields.get("summary")
    if isinstance(summary, str) and len(summary) > LONGEST_SUMMARY:
        fields["summary"] = summary[:LONGEST_SUMMARY]
    try:
        return _event(fields)
    except ValidationError as error:
        raise refusal(error) from None


def build_known(fields: dict[str, Any]) -> Event:
    """As `build`, for all fields, in their order, that were read in a way which leaves them only two faults.

    Each has the type that it should have, texts were decoded from bytes, and `id` and `fingerprint` are hashes. Then
    there may be too much of a text, or none, and times may be out of bounds. To look for no more takes a third of the
    time.
    """
    ends = fields["ends_at"]
    if (
        0 <= fields["time"] <= END_OF_TIME
        and 0 <= fields["received"] <= LATEST
        and (ends is None or 0 <= ends <= END_OF_TIME)
        and 0 < len(fields["source"]) <= LONGEST_NAME
        and 0 < len(fields["tenant"]) <= LONGEST_NAME
        and 0 < len(fields["resource"]) <= LONGEST_NAME
        and len(fields["component"]) <= LONGEST_NAME
        and 0 < len(fields["check"]) <= LONGEST_NAME
        and len(fields["summary"]) <= LONGEST_SUMMARY
    ):
        return Event.trusted(fields)
    return build(fields)


def build_sample(fields: dict[str, Any]) -> MetricSample:
    """A metric sample; what is wrong with its fields becomes a BadRecord."""
    try:
        return MetricSample(**fields)
    except ValidationError as error:
        raise refusal(error) from None


def refusal(error: ValidationError) -> BadRecord:
    """The BadRecord that says in one line what pydantic found first."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"]) or "the record"
    return BadRecord(
        _reason(first["type"], str(first["loc"][0]) if first["loc"] else ""), f"{where}: {first['msg']}"[:500]
    )


def _reason(kind: str, field: str) -> str:
    if kind in {"missing", "string_too_short"}:
        return "missing-field"
    if kind == "string_too_long":
        return "too-long"
    if field in _TIMES:
        return "bad-time"
    return "bad-severity" if field == "severity" else "bad-value"


def each(items: Iterable[_T], decode: Callable[[_T], Event], payload: Callable[[_T], bytes]) -> Decoded:
    """Decode the parts of a batch one by one: the good ones are kept although others are refused."""
    events: list[Event] = []
    refused: list[Refused] = []
    for item in items:
        try:
            events.append(decode(item))
        except BadRecord as error:
            refused.append(Refused(error, payload(item)))
    return decoded((events, [], refused))


def dump(value: object) -> bytes:
    """A part of a JSON payload as bytes again, for a dead letter."""
    return orjson.dumps(value)


def read_options(source: str, options: Mapping[str, str], defaults: Mapping[str, str]) -> dict[str, str]:
    """The options over their defaults; raises ConfigError on an unknown one."""
    for key in options:
        if key not in defaults:
            allowed = ", ".join(sorted(defaults)) or "none"
            raise ConfigError(f"source {source}: unknown option {key!r}; allowed: {allowed}")
    return {**defaults, **options}


def duration_option(source: str, options: Mapping[str, str], key: str) -> int:
    """A length of time such as 5m from the options, in milliseconds; raises ConfigError."""
    try:
        value = parse_duration(options[key])
    except ValueError as error:
        raise ConfigError(f"source {source}: option {key}: {error}") from None
    if not isinstance(value, int):  # pragma: no cover - parse_duration of a string gives a number or raises
        raise ConfigError(f"source {source}: option {key}: not a length of time")
    return value


def names_option(options: Mapping[str, str], key: str) -> tuple[str, ...]:
    """A comma-separated list from the options."""
    return tuple(part.strip() for part in options[key].split(",") if part.strip())
