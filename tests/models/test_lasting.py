"""How long things last is learned, and says how likely it is that one of them lasts longer than it may."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.lasting import Lasting

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000


def lived(durations: list[int]) -> Lasting:
    made = Lasting()
    for duration in durations:
        made.learn_one(duration)
    return made


def drawn(random: Random) -> int:
    """Most are over in half an hour, some take half a day."""
    return int(random.lognormvariate(0, 0.8) * (30 * MINUTE if random.random() < 0.8 else 12 * HOUR))


def test_nothing_is_said_before_ten_were_seen() -> None:
    assert lived([HOUR] * 9).odds_one(0, HOUR) is None
    assert lived([HOUR] * 11).odds_one(0, HOUR) is not None


def test_what_is_used_up_is_certain() -> None:
    assert lived([HOUR] * 20).odds_one(4 * HOUR, 4 * HOUR) == 1.0


def test_the_odds_are_those_with_which_it_comes_true() -> None:
    random = Random(1)
    made = lived([drawn(random) for _ in range(400)])
    for used in (0, 10 * MINUTE, HOUR, 3 * HOUR):
        later = [one for one in (drawn(random) for _ in range(20_000)) if one > used]
        share = sum(one >= 4 * HOUR for one in later) / len(later)
        assert made.odds_one(used, 4 * HOUR) == pytest.approx(share, abs=0.12)


def test_who_has_become_faster_is_believed_in_time() -> None:
    made = lived([10 * HOUR] * 300)
    before = made.odds_one(0, 4 * HOUR)
    for _ in range(300):
        made.learn_one(HOUR)
    after = made.odds_one(0, 4 * HOUR)
    assert before is not None
    assert after is not None
    assert before > 0.95
    assert after < 0.3


@given(
    st.lists(st.integers(0, 400 * DAY), min_size=11, max_size=60),
    st.integers(0, 30 * DAY),
    st.integers(0, 30 * DAY),
    st.integers(1, 30 * DAY),
)
def test_the_longer_it_lasts_the_likelier_and_the_later_the_bound_the_less(
    durations: list[int], one: int, other: int, target: int
) -> None:
    made = lived(durations)
    early, late = (made.odds_one(min(used, target), target) for used in sorted((one, other)))
    assert early is not None
    assert late is not None
    assert 0.0 < early <= late + 1e-9
    assert late <= 1.0
    near, far = (made.odds_one(one, one + more) for more in sorted((target, target + other)))
    assert near is not None
    assert far is not None
    assert far <= near + 1e-9


@given(st.lists(st.integers(0, 400 * DAY), max_size=40))
def test_its_state_can_be_kept(durations: list[int]) -> None:
    made = lived(durations)
    again = Lasting.load(made.dump())
    assert again.dump() == made.dump()
    assert again.odds_one(HOUR, DAY) == made.odds_one(HOUR, DAY)
