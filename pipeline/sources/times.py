"""Times as monitors write them, as milliseconds since the epoch. Whatever is not a time raises BadRecord bad-time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from typing import NoReturn
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from schemas.base import DAY, SECOND, BadRecord, ConfigError

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_OF_UTC = EPOCH.replace(tzinfo=None)
LATEST = 253_402_300_799_999


def no_time(value: object) -> NoReturn:
    """Refuse a value that should have been a time."""
    raise BadRecord("bad-time", f"not a time: {str(value)[:80]!r}")


def millis_of(moment: datetime) -> int:
    """An aware datetime as milliseconds; raises BadRecord outside 1970 to 9999."""
    millis = _millis(moment - EPOCH)
    return millis if 0 <= millis <= LATEST else no_time(moment)


def _millis(delta: timedelta) -> int:
    return delta.days * DAY + delta.seconds * SECOND + delta.microseconds // 1000


def iso_millis(value: object, zone: tzinfo | None = None) -> int:
    """An ISO 8601 time; one without an offset is in `zone`, or refused where there is none."""
    if not isinstance(value, str):
        no_time(value)
    try:
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            if zone is None:
                no_time(value)
            if zone is UTC and moment >= _EPOCH_OF_UTC:
                return _millis(moment - _EPOCH_OF_UTC)  # to put in the zone would cost as much again
            moment = moment.replace(tzinfo=zone)
        return millis_of(moment)
    except (ValueError, OverflowError):
        no_time(value)


def epoch_millis(value: object, unit: float = SECOND) -> int:
    """A number since the epoch, also as text; `unit` is how many milliseconds one of it has."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        no_time(value)
    try:
        # Whole numbers stay whole: a float of nanoseconds has lost the last digits already.
        if isinstance(value, int) or (isinstance(value, str) and value.isascii() and value.isdigit()):
            whole = int(value)
            millis = whole * int(unit) if unit >= 1 else whole // round(1 / unit)
        else:
            millis = round(float(value) * unit)
    except (ValueError, OverflowError):
        no_time(value)
    return millis if 0 <= millis <= LATEST else no_time(value)


def guessed_millis(value: object) -> int:
    """A time that may be ISO 8601, or a number whose size tells seconds from milli-, micro- and nanoseconds."""
    if isinstance(value, str) and not _is_number(value):
        return iso_millis(value)
    try:
        size = abs(float(value)) if isinstance(value, str | int | float) else 0.0
    except OverflowError:
        no_time(value)
    if size < 1e11:
        return epoch_millis(value)
    if size < 1e14:
        return epoch_millis(value, 1)
    return epoch_millis(value, 1e-3 if size < 1e17 else 1e-6)


def _is_number(text: str) -> bool:
    return len(text) < 40 and text.isascii() and text.strip().replace(".", "", 1).isdigit()


def zone_option(source: str, name: str) -> tzinfo:
    """The time zone of an option; raises ConfigError."""
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        # OSError: the name of a region is that of a folder of zones.
        raise ConfigError(
            f"source {source}: option timezone: {name!r} is no time zone; allowed: IANA names such as Europe/Berlin"
        ) from None
