"""Business time: how much of a stretch of time counts on a calendar, and when an amount of it will be used up."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Container, Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from schemas.base import ConfigError, Millis
from schemas.reference import Calendar

FARTHEST_DAYS = 3660
"""What is not used up within ten years is a mistake of the calendar or of the target."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_ONE_DAY = timedelta(days=1)
_LATEST = (datetime(9999, 12, 1, tzinfo=UTC) - _EPOCH) // _MILLISECOND
"""Dates end with the year 9999. Nothing after this counts, and no zone leads beyond the last date."""


class BusinessTime:
    """One calendar, ready for reckoning.

    A day is open from the first time its zone's clocks show `opens` until the first time they show `closes`; where they
    skip over one of the two, the skip stands for it. Raises ConfigError for an unknown zone, country or subdivision.
    """

    def __init__(self, calendar: Calendar) -> None:
        self._calendar = calendar
        self._always = (
            len(calendar.weekdays) == 7
            and (calendar.opens, calendar.closes) == ("00:00", "24:00")
            and not calendar.country
            and not calendar.closed
        )
        self._zone = _zone(calendar)
        self._holidays = _holidays(calendar)
        self._closed = frozenset(calendar.closed)
        self._span = lru_cache(maxsize=4096)(self._reckon_span)
        self._year = lru_cache(maxsize=8192)(self._reckon_year)

    def elapsed(self, start: Millis, end: Millis) -> int:
        """Business milliseconds in [start, end); 0 where `end` is not after `start`."""
        if end <= start:
            return 0
        if self._always:
            return end - start
        # Where clocks are turned back over midnight a time may belong to the span of the day beside its date: one day
        # more is looked at on each side, and only years that hold neither end nor its neighbours are taken whole.
        first, last = self._day(start), self._day(end)
        head, tail = (first + _ONE_DAY).year, (last - _ONE_DAY).year
        if tail - head < 2:
            return self._clipped(first - _ONE_DAY, last + _ONE_DAY, start, end)
        return (
            self._clipped(first - _ONE_DAY, date(head, 12, 31), start, end)
            + sum(self._year(year) for year in range(head + 1, tail))
            + self._clipped(date(tail, 1, 1), last + _ONE_DAY, start, end)
        )

    def after(self, start: Millis, amount: int) -> Millis:
        """The earliest time at which `amount` business milliseconds have been used from `start`.

        Raises ValueError for a negative amount, ConfigError where ten years are not enough (it may never open).
        """
        if amount < 0:
            raise ValueError(f"an amount of business time is 0 or more, not {amount}")
        if self._always or not amount:
            return start + amount
        left = amount
        first = self._day(start) - _ONE_DAY
        for day in _days(first, first + min(timedelta(days=FARTHEST_DAYS), date.max - first)):
            opens, closes = self._span(day)
            opens = max(start, opens)
            if closes - opens >= left:
                return opens + left
            left -= max(0, closes - opens)
        raise ConfigError(
            f"calendar {self._calendar.id}: {amount} ms of business time are not used up within ten years; "
            "allowed: a calendar that opens often enough, and a smaller target"
        )

    def _clipped(self, first: date, last: date, start: int, end: int) -> int:
        total = 0
        for day in _days(first, last):
            opens, closes = self._span(day)
            total += max(0, min(end, closes) - max(start, opens))
        return total

    def _day(self, at: int) -> date:
        return (_EPOCH + min(at, _LATEST) * _MILLISECOND).astimezone(self._zone).date()

    def _reckon_year(self, year: int) -> int:
        spans = map(self._span, _days(date(year, 1, 1), date(year, 12, 31)))
        return sum(closes - opens for opens, closes in spans)

    def _reckon_span(self, day: date) -> tuple[int, int]:
        """Opening and closing of a day; an empty span where it is closed. Spans of different days never overlap."""
        calendar = self._calendar
        if day.weekday() not in calendar.weekdays or day in self._closed or day in self._holidays:
            return 0, 0
        return self._at(day, calendar.opens), self._at(day, calendar.closes)

    def _at(self, day: date, clock: str) -> int:
        hour, minute = int(clock[:2]), int(clock[3:])
        if hour == 24:
            day, hour = day + _ONE_DAY, 0
        local = datetime.combine(day, time(hour, minute), self._zone)
        at, other = _millis(local), _millis(local.replace(fold=1))
        if other >= at:
            return at
        # Clocks skip this time. Reckoned with the offset after the skip it lies before the skip, with the one before
        # the skip it lies after: the skip itself is in between, where the offset changes.
        before = self._offset(other)
        return other + bisect_left(range(at - other), True, key=lambda step: self._offset(other + step) != before)

    def _offset(self, at: int) -> timedelta | None:
        return (_EPOCH + at * _MILLISECOND).astimezone(self._zone).utcoffset()


def _days(first: date, last: date) -> Iterator[date]:
    """Each day from `first` to `last`, both included."""
    return map(date.fromordinal, range(first.toordinal(), last.toordinal() + 1))


def _millis(at: datetime) -> int:
    return (at - _EPOCH) // _MILLISECOND


def _zone(calendar: Calendar) -> tzinfo:
    if calendar.timezone == "UTC":  # the default needs no time zone database
        return UTC
    try:
        return ZoneInfo(calendar.timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        # OSError: the name of a region is that of a folder of zones.
        raise ConfigError(
            f"calendar {calendar.id}: timezone: {calendar.timezone!r} is no time zone; "
            "allowed: IANA names such as Europe/Berlin"
        ) from error


def _holidays(calendar: Calendar) -> Container[date]:
    if not calendar.country:
        if calendar.subdivision:
            raise ConfigError(
                f"calendar {calendar.id}: subdivision: {calendar.subdivision!r} needs a country; "
                "allowed: a country such as DE beside it, or no subdivision"
            )
        return frozenset()
    import holidays  # a large library that only calendars with a country need

    try:
        # The library would take names of its own classes, too.
        if not re.fullmatch("[A-Z]{2}", calendar.country):
            raise NotImplementedError
        whole = holidays.country_holidays(calendar.country)
    except NotImplementedError as error:
        raise ConfigError(
            f"calendar {calendar.id}: country: {calendar.country!r} has no known public holidays; "
            "allowed: two-letter ISO 3166 codes such as DE"
        ) from error
    if not calendar.subdivision:
        return whole
    try:
        return holidays.country_holidays(calendar.country, subdiv=calendar.subdivision)
    except NotImplementedError as error:
        known = ", ".join(whole.subdivisions) or "none for this country"
        raise ConfigError(
            f"calendar {calendar.id}: subdivision: {calendar.subdivision!r} is none of {calendar.country}; "
            f"allowed: {known}"
        ) from error
