"""Service-level clocks run in business hours: in the zone of the calendar, not on its holidays."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.practices.clock import BusinessTime
from schemas.base import DAY, HOUR, MINUTE, ConfigError
from schemas.reference import Calendar

WEEKDAYS = (0, 1, 2, 3, 4)
ALWAYS = Calendar(id="always")
OFFICE = Calendar(id="office", timezone="Europe/Berlin", weekdays=WEEKDAYS, opens="08:00", closes="18:00", country="DE")
NIGHT = Calendar(id="night", timezone="Europe/Berlin", opens="02:30", closes="04:00")
ROUND_THE_CLOCK = Calendar(id="days", timezone="Europe/Berlin", closed=(date(2026, 7, 1),))
CALENDARS = [
    BusinessTime(calendar)
    for calendar in (
        ALWAYS,
        OFFICE,
        NIGHT,
        ROUND_THE_CLOCK,
        Calendar(id="ny", timezone="America/New_York", weekdays=(6,), opens="01:30", closes="02:30", country="US"),
        Calendar(id="st-johns", timezone="America/St_Johns", weekdays=(0, 2, 4, 6)),  # once turned its clocks at 00:01
        Calendar(id="apia", timezone="Pacific/Apia", opens="09:15", closes="24:00"),  # has no 30 December 2011
    )
]

calendars = st.sampled_from(CALENDARS)
YEAR_2000 = 946_684_800_000
times = st.integers(YEAR_2000, YEAR_2000 + 40 * 365 * DAY)
spans = st.integers(0, 60 * DAY)
amounts = st.integers(0, 40 * HOUR)


def at(text: str, zone: str = "Europe/Berlin") -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)


@given(calendars, times, amounts)
def test_what_was_asked_for_has_been_used_at_the_time_that_was_told(
    business: BusinessTime, start: int, amount: int
) -> None:
    end = business.after(start, amount)
    assert end >= start
    assert business.elapsed(start, end) == amount
    if amount:  # and not a millisecond before
        assert business.elapsed(start, end - 1) == amount - 1


@given(calendars, times, spans)
def test_the_time_told_for_what_was_used_is_no_later(business: BusinessTime, start: int, span: int) -> None:
    assert business.after(start, business.elapsed(start, start + span)) <= start + span


@given(calendars, times, spans, spans)
def test_parts_add_up_and_more_time_never_counts_less(business: BusinessTime, start: int, one: int, two: int) -> None:
    middle, end = start + one, start + one + two
    first, second = business.elapsed(start, middle), business.elapsed(middle, end)
    assert business.elapsed(start, end) == first + second
    assert 0 <= first <= one
    assert 0 <= second <= two


@given(calendars, times, amounts, amounts)
def test_amounts_can_be_used_in_parts(business: BusinessTime, start: int, one: int, two: int) -> None:
    assert business.after(business.after(start, one), two) == business.after(start, one + two)


NEW_YEARS = [YEAR_2000 + (365 * n + (n + 3) // 4) * DAY for n in range(41)]
near_new_year = st.builds(int.__add__, st.sampled_from(NEW_YEARS), st.integers(-3 * DAY, 3 * DAY))


def day_by_day(business: BusinessTime, start: int, end: int) -> int:
    """The same sum without its short cut for whole years."""
    steps = [*range(start, end, DAY), end]
    return sum(business.elapsed(one, two) for one, two in pairwise(steps))


@given(calendars, near_new_year, near_new_year)
def test_years_are_the_sum_of_their_days_wherever_they_are_cut(business: BusinessTime, one: int, two: int) -> None:
    start, end = min(one, two), max(one, two)
    end = min(end, start + 5 * 366 * DAY)
    assert business.elapsed(start, end) == day_by_day(business, start, end)


@pytest.mark.parametrize("first", [-2, -1, 0, 1, 2])
@pytest.mark.parametrize("last", [-2, -1, 0, 1, 2])
@pytest.mark.parametrize("years", [1, 2, 3])
def test_days_beside_a_new_year_are_counted_once(first: int, last: int, years: int) -> None:
    for business in CALENDARS:
        start, end = NEW_YEARS[0] + first * DAY, NEW_YEARS[years] + last * DAY
        assert business.elapsed(start, end) == day_by_day(business, start, end)


def test_four_hours_that_begin_on_friday_afternoon_end_on_monday() -> None:
    assert BusinessTime(OFFICE).after(at("2026-09-11 16:00"), 4 * HOUR) == at("2026-09-14 10:00")


def test_a_target_that_ends_with_the_day_ends_at_closing_time_not_on_the_next_morning() -> None:
    assert BusinessTime(OFFICE).after(at("2026-09-11 16:00"), 2 * HOUR) == at("2026-09-11 18:00")


def test_nothing_to_use_is_used_at_once_even_at_night() -> None:
    assert BusinessTime(OFFICE).after(at("2026-09-12 03:00"), 0) == at("2026-09-12 03:00")


def test_end_before_start_is_no_time() -> None:
    for calendar in (ALWAYS, OFFICE):
        assert BusinessTime(calendar).elapsed(at("2026-09-11 12:00"), at("2026-09-11 09:00")) == 0


@pytest.mark.parametrize(
    ("day", "hours"),
    [
        ("2026-12-23", 10),
        ("2026-12-24", 10),  # Christmas Eve is no public holiday
        ("2026-12-25", 0),
        ("2026-12-28", 10),
        ("2026-05-01", 0),
        ("2026-05-02", 0),  # a Saturday
    ],
)
def test_public_holidays_and_weekends_are_closed(day: str, hours: int) -> None:
    assert BusinessTime(OFFICE).elapsed(at(f"{day} 00:00"), at(f"{day} 00:00") + DAY) == hours * HOUR


def test_a_holiday_of_one_part_of_the_country_closes_only_there() -> None:
    start = at("2026-01-06 00:00")  # Epiphany
    bavaria = BusinessTime(OFFICE.model_copy(update={"subdivision": "BY"}))
    assert bavaria.elapsed(start, start + DAY) == 0
    assert BusinessTime(OFFICE).elapsed(start, start + DAY) == 10 * HOUR


def test_closed_dates_are_closed_in_the_zone_of_the_calendar() -> None:
    business = BusinessTime(ROUND_THE_CLOCK)
    assert business.elapsed(at("2026-06-30 00:00"), at("2026-07-03 00:00")) == 2 * DAY
    assert business.after(at("2026-06-30 23:00"), 2 * HOUR) == at("2026-07-02 01:00")


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-10-26", 24)])
def test_a_day_on_which_clocks_are_turned_has_the_hours_it_has(day: str, hours: int) -> None:
    tomorrow = date.fromisoformat(day) + timedelta(days=1)
    assert BusinessTime(ROUND_THE_CLOCK).elapsed(at(f"{day} 00:00"), at(f"{tomorrow} 00:00")) == hours * HOUR


def test_office_hours_move_with_the_clocks() -> None:
    business = BusinessTime(OFFICE)
    friday = at("2026-03-27 17:00")
    assert business.after(friday, 2 * HOUR) == at("2026-03-30 09:00") == friday + 2 * DAY + 15 * HOUR


def test_an_opening_time_that_clocks_skip_opens_when_they_skip_it() -> None:
    business = BusinessTime(NIGHT)
    assert business.elapsed(at("2026-03-29 00:00"), at("2026-03-29 12:00")) == 1 * HOUR
    assert business.after(at("2026-03-29 00:00"), 15 * MINUTE) == at("2026-03-29 03:15")
    assert business.elapsed(at("2026-03-30 00:00"), at("2026-03-30 12:00")) == 90 * MINUTE


def test_a_day_that_a_zone_left_out_has_no_hours() -> None:
    business = BusinessTime(Calendar(id="apia", timezone="Pacific/Apia", opens="09:00", closes="17:00"))
    start, end = at("2011-12-29 00:00", "Pacific/Apia"), at("2012-01-01 00:00", "Pacific/Apia")
    assert business.elapsed(start, end) == 2 * 8 * HOUR


def test_what_is_always_open_is_plain_time() -> None:
    business = BusinessTime(ALWAYS)
    assert business.elapsed(0, 10**15) == 10**15
    assert business.after(5, 7) == 12


def test_a_time_from_a_broken_clock_is_reckoned_all_the_same() -> None:
    end = at("2026-01-01 00:00", "UTC")
    weekly = BusinessTime(Calendar(id="weekly", weekdays=(3,), opens="00:00", closes="01:00"))
    assert weekly.elapsed(0, end) == 2922 * HOUR  # 1 January 1970 was a Thursday
    assert weekly.elapsed(253_402_300_799_000, 253_402_300_799_999) == 0


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"timezone": "Europe/Berlim"}, ["timezone", "'Europe/Berlim'", "Europe/Berlin"]),
        ({"timezone": "Europe"}, ["timezone", "'Europe'", "Europe/Berlin"]),
        ({"timezone": "../etc/passwd"}, ["timezone", "Europe/Berlin"]),
        ({"country": "XX"}, ["country", "'XX'", "ISO 3166", "DE"]),
        ({"country": "HolidayBase"}, ["country", "'HolidayBase'", "ISO 3166"]),
        ({"subdivision": "Z9"}, ["subdivision", "'Z9'", "BY"]),
        ({"country": "", "subdivision": "BY"}, ["subdivision", "'BY'", "needs a country"]),
    ],
)
def test_a_wrong_calendar_is_refused_with_its_name_and_what_is_allowed(
    change: dict[str, str], words: list[str]
) -> None:
    with pytest.raises(ConfigError) as refused:
        BusinessTime(OFFICE.model_copy(update=change))
    assert "calendar office:" in str(refused.value)
    assert [word for word in words if word not in str(refused.value)] == []


def test_a_calendar_that_never_opens_is_told_instead_of_waited_for() -> None:
    start = at("2026-01-01 00:00", "UTC")
    mondays = tuple(date.fromordinal(n) for n in range(date(2025, 12, 1).toordinal(), date(2037, 1, 1).toordinal(), 7))
    business = BusinessTime(Calendar(id="shut", weekdays=(0,), closed=mondays))
    assert business.elapsed(start, start + 3650 * DAY) == 0
    with pytest.raises(ConfigError, match=r"calendar shut: .* within ten years"):
        business.after(start, 1)


def test_an_amount_below_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="0 or more"):
        BusinessTime(ALWAYS).after(0, -1)
