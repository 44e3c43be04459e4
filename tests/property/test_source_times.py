"""Times in every spelling come out as the moment they mean."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.sources.syslog import Syslog
from pipeline.sources.times import EPOCH, guessed_millis, iso_millis
from schemas.base import BadRecord
from tests.pipeline.sources.samples import raw

moments = st.datetimes(datetime(1975, 1, 1), datetime(2099, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - UTC is added


def millis(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(milliseconds=1)


@given(received=moments, away=st.integers(-150 * 86_400, 150 * 86_400))
def test_the_year_that_syslog_leaves_out_is_found(received: datetime, away: int) -> None:
    moment = (received + timedelta(seconds=away)).replace(microsecond=0)
    text = f"<13>{moment:%b} {moment.day:2d} {moment:%H:%M:%S} h app: x"
    (event,) = Syslog().decode(raw("syslog", text, received=millis(received))).events
    assert event.time == millis(moment)


@given(moment=moments, offset=st.integers(-14 * 60, 14 * 60))
def test_an_iso_time_means_the_same_in_every_zone(moment: datetime, offset: int) -> None:
    sign, minutes = ("-" if offset < 0 else "+"), abs(offset)
    local = (moment + timedelta(minutes=offset)).replace(tzinfo=None)
    assert iso_millis(f"{local.isoformat()}{sign}{minutes // 60:02d}:{minutes % 60:02d}") == millis(moment)


@given(moment=st.datetimes(datetime(1960, 1, 1), datetime(9999, 12, 31)))  # noqa: DTZ001 - that is the point
def test_a_time_without_an_offset_is_in_the_zone(moment: datetime) -> None:
    told = moment.replace(tzinfo=UTC)
    if told < EPOCH:
        with pytest.raises(BadRecord, match=f"^bad-time: not a time: '{re.escape(str(told))}'$"):
            iso_millis(moment.isoformat(), UTC)
        return
    assert iso_millis(moment.isoformat(), UTC) == iso_millis(moment.isoformat(), ZoneInfo("UTC")) == millis(told)


@given(seconds=st.integers(200_000_000, 90_000_000_000))
def test_the_size_of_a_number_tells_its_unit(seconds: int) -> None:
    for unit in (1, 1_000, 1_000_000, 1_000_000_000):
        assert guessed_millis(seconds * unit) == guessed_millis(str(seconds * unit)) == seconds * 1000
