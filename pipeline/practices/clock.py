"""Business time: how much of a stretch of time counts on a calendar, and when an amount of it will be used up."""

from __future__ import annotations

from collections.abc import Container
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from schemas.base import ConfigError
from schemas.reference import Calendar

FOREVER_DAYS = 3660
"""A calendar that does not open for ten years is a mistake."""


class BusinessTime:
    """One calendar, ready for reckoning. Raises ConfigError for an unknown time zone or country."""

    def __init__(self, calendar: Calendar) -> None:
        self._calendar = calendar
        self._always = (
            len(calendar.weekdays) == 7
            and (calendar.opens, calendar.closes) == ("00:00", "24:00")
            and not calendar.country
            and not calendar.closed
        )
        try:
            self._zone = ZoneInfo(calendar.timezone)
        except (ZoneInfoNotFoundError, ValueError) as error:
            message = (
                f"calendar {calendar.id}: timezone {calendar.timezone!r} is not an IANA name such as Europe/Berlin"
            )
            raise ConfigError(message) from error
        self._holidays = _holidays(calendar)
        self._span = lru_cache(maxsize=4096)(self._reckon_span)

    def elapsed(self, start: int, end: int) -> int:
        """Business milliseconds in [start, end)."""
        if end <= start:
            return 0
        if self._always:
            return end - start
        day, last, total = self._day(start), self._day(end), 0
        while day <= last:
            opens, closes = self._span(day)
            total += max(0, min(end, closes) - max(start, opens))
            day += timedelta(days=1)
        return total

    def after(self, start: int, amount: int) -> int:
        """When `amount` milliseconds of business time have been used from `start`."""
        if self._always:
            return start + amount
        day, left = self._day(start), amount
        empty = 0
        while empty < FOREVER_DAYS:
            opens, closes = self._span(day)
            here = max(0, closes - max(start, opens))
            if here >= left and closes > opens:
                return max(start, opens) + left
            empty = 0 if here else empty + 1
            left -= here
            day += timedelta(days=1)
        raise ConfigError(f"calendar {self._calendar.id} does not open within ten years")

    def _day(self, at: int) -> date:
        return datetime.fromtimestamp(at / 1000, self._zone).date()

    def _reckon_span(self, day: date) -> tuple[int, int]:
        """Opening and closing of a day; an empty span where it is closed."""
        calendar = self._calendar
        if day.weekday() not in calendar.weekdays or day in calendar.closed or day in self._holidays:
            return 0, 0
        return self._at(day, calendar.opens), self._at(day, calendar.closes)

    def _at(self, day: date, clock: str) -> int:
        hour, minute = int(clock[:2]), int(clock[3:])
        if hour == 24:
            day, hour = day + timedelta(days=1), 0
        local = datetime.combine(day, time(hour, minute), self._zone)
        return int(local.astimezone(UTC).timestamp() * 1000)


def _holidays(calendar: Calendar) -> Container[date]:
    if not calendar.country:
        return frozenset()
    import holidays  # a large library that only calendars with a country need

    try:
        return holidays.country_holidays(calendar.country, subdiv=calendar.subdivision or None)
    except NotImplementedError as error:
        message = f"calendar {calendar.id}: country {calendar.country!r} is not an ISO 3166 code with known holidays"
        raise ConfigError(message) from error
