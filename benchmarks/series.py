"""Simulated series of the kinds that monitors measure: ordinary ones, slow degradations, growth towards a bound."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import exp, pi, sin
from random import Random
from typing import NamedTuple

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
START = 1_704_067_200_000
"""2024-01-01, a Monday."""

Point = tuple[int, float]
Shape = Callable[[Random], Callable[[int], float]]
"""Draws the constants of one series; gives its value at a time, in the order of time."""


def day_shape(time: int, peak: float = 14.0) -> float:
    """-1 at night to 1 at the peak hour."""
    return sin(2 * pi * (time % DAY / HOUR - peak + 6.0) / 24.0)


def workday(time: int) -> bool:
    """Whether it is Monday to Friday."""
    return (time - START) // DAY % 7 < 5


def _wandering(chance: Random, size: float, memory: float) -> Callable[[], float]:
    """Noise that remembers (AR 1) with that standard deviation."""
    state = chance.gauss(0.0, size)
    fresh = size * (1.0 - memory * memory) ** 0.5

    def step() -> float:
        nonlocal state
        state = memory * state + chance.gauss(0.0, fresh)
        return state

    return step


def temperature(chance: Random) -> Callable[[int], float]:
    """A machine room: a little of the day, slow noise."""
    level, swing, drift = chance.uniform(18, 26), chance.uniform(0.0, 1.5), _wandering(chance, 0.4, 0.97)
    return lambda time: round(level + swing * day_shape(time) + drift() + chance.gauss(0.0, 0.1), 1)


def traffic(chance: Random) -> Callable[[int], float]:
    """A link: a day and a week, noise in proportion."""
    level, swing, week = 10 ** chance.uniform(6, 9), chance.uniform(0.3, 1.2), chance.uniform(0.3, 1.0)
    drift = _wandering(chance, 0.1, 0.9)
    return lambda time: level * (1 if workday(time) else week) * exp(swing * day_shape(time) + drift())


def cpu(chance: Random) -> Callable[[int], float]:
    """Load in per cent: a day, bursts."""
    level, swing, drift = chance.uniform(5, 50), chance.uniform(0, 20), _wandering(chance, 3.0, 0.8)

    def value(time: int) -> float:
        burst = chance.expovariate(0.1) if chance.random() < 0.02 else 0.0
        return min(max(level + swing * day_shape(time) + drift() + burst, 0.0), 100.0)

    return value


def office(chance: Random) -> Callable[[int], float]:
    """Sessions: busy from 8 to 18 on working days, next to nothing otherwise; whole numbers."""
    level, drift = chance.uniform(50, 2000), _wandering(chance, 0.08, 0.95)

    def value(time: int) -> float:
        hour = time % DAY / HOUR
        busy = 1.0 if workday(time) and 8 <= hour < 18 else 0.08
        ramp = 0.5 if busy == 1.0 and (hour < 9 or hour >= 17) else 1.0
        return float(round(level * busy * ramp * exp(drift()) + chance.gauss(0.0, 2.0)))

    return value


def latency(chance: Random) -> Callable[[int], float]:
    """Milliseconds, skewed, a little slower by day."""
    level, spread, swing = chance.uniform(2, 300), chance.uniform(0.1, 0.4), chance.uniform(0, 0.3)
    return lambda time: level * exp(chance.gauss(0.0, spread) + swing * day_shape(time))


def counts(chance: Random) -> Callable[[int], float]:
    """Few things an interval: mails in a queue, log-in failures."""
    rate, swing = chance.uniform(0.2, 20), chance.uniform(0, 0.8)

    def value(time: int) -> float:
        mean = rate * exp(swing * day_shape(time))
        at, number = chance.expovariate(1.0), 0
        while at < mean:
            at += chance.expovariate(1.0)
            number += 1
        return float(number)

    return value


def backup(chance: Random) -> Callable[[int], float]:
    """Busy with one job at about the same time each night."""
    begin, length, level = chance.uniform(0, 22), chance.uniform(0.3, 2.0), chance.uniform(20, 80)
    late = [0, 0.0]

    def value(time: int) -> float:
        day = time // DAY
        if day != late[0]:
            late[:] = [day, chance.gauss(0.0, 0.05)]
        on = 0 <= time % DAY / HOUR - begin - late[1] < length
        return max(level * on + 5.0 + chance.gauss(0.0, 1.0 + on), 0.0)

    return value


def cleaned(chance: Random) -> Callable[[int], float]:
    """A disk in per cent that fills by day and is cleaned each night."""
    level, fill, drift = chance.uniform(20, 70), chance.uniform(2, 10), _wandering(chance, 0.5, 0.99)
    return lambda time: level + fill * (time % DAY / DAY) + drift()


def memory(chance: Random) -> Callable[[int], float]:
    """Slow, remembering, bounded."""
    level, drift = chance.uniform(30, 80), _wandering(chance, 3.0, 0.995)
    return lambda _: level + drift() + chance.gauss(0.0, 0.2)


def shares(chance: Random) -> Callable[[int], float]:
    """Availability in per cent: nearly always 100."""
    rare = chance.uniform(0.005, 0.1)
    return lambda _: 100.0 - (chance.expovariate(2.0) if chance.random() < rare else 0.0)


def up(_chance: Random) -> Callable[[int], float]:
    """A state that stays."""
    return lambda _: 1.0


def errors(chance: Random) -> Callable[[int], float]:
    """Heavy tails: errors a second, zero most of the time."""
    often = chance.uniform(0.02, 0.3)
    return lambda _: chance.paretovariate(2.5) if chance.random() < often else 0.0


ORDINARY: dict[str, Shape] = {
    shape.__name__: shape
    for shape in (temperature, traffic, cpu, office, latency, counts, backup, cleaned, memory, shares, up, errors)
}
"""Kinds of series on which nothing is wrong."""


class Sampling(NamedTuple):
    """When a series is measured."""

    step: int
    missing: float


def points(shape: Callable[[int], float], sampling: Sampling, days: float, chance: Random) -> Iterator[Point]:
    """The series at its steps; some points are missing, and now and then an hour is."""
    silent = 0
    for time in range(START, START + int(days * DAY), sampling.step):
        value = shape(time)
        if chance.random() < sampling.missing * sampling.step / (20 * HOUR):
            silent = time + HOUR
        if time >= silent and chance.random() >= sampling.missing:
            yield time, value


def ordinary(seed: int) -> tuple[str, Iterator[Point], float]:
    """The kind, the points and the days of series number `seed`: 45 days, 15 where it is measured every minute."""
    chance = Random(seed)
    kind = sorted(ORDINARY)[seed % len(ORDINARY)]
    step = chance.choice((MINUTE, 5 * MINUTE, 5 * MINUTE, 10 * MINUTE, 15 * MINUTE))
    days = 15.0 if step == MINUTE else 45.0
    sampling = Sampling(step, chance.choice((0.0, 0.0, 0.01, 0.05)))
    return kind, points(ORDINARY[kind](chance), sampling, days, chance), days


class Growth(NamedTuple):
    """Something that grows until it is full."""

    kind: str
    points: list[Point]
    full: int
    """When it reaches 100."""


def growth(seed: int) -> Growth:
    """A disk, a licence, a table space or a leak: grows from some level to 100 in three hours to thirty days."""
    chance = Random(seed)
    kind = ("steady", "noisy", "daily", "uneven")[seed % 4]
    days = 10 ** chance.uniform(-0.9, 1.5) if kind != "daily" else 10 ** chance.uniform(0.6, 1.5)
    begin = chance.uniform(10.0, 60.0)
    step = max(MINUTE, min(5 * MINUTE, int(days * DAY / 500)))
    rate = (100.0 - begin) * step / (days * DAY)
    jitter = (100.0 - begin) * {"steady": 0.002, "noisy": 0.03, "daily": 0.01, "uneven": 0.005}[kind]
    swing = (100.0 - begin) * chance.uniform(0.02, 0.06) if kind == "daily" else 0.0
    rough = {"uneven": 1.0}.get(kind, 0.0) * rate
    level, time, said = begin, START + int(chance.uniform(0, DAY)), []
    while level < 100.0:
        said.append((time, level + chance.gauss(0.0, jitter) + swing * day_shape(time)))
        level += rate + chance.gauss(0.0, rough)
        time += step
    return Growth(kind, said, time)


class Degradation(NamedTuple):
    """Two weeks as usual, then something goes slowly wrong until a fixed threshold is passed."""

    kind: str
    metric: str
    unit: str
    points: list[Point]
    begins: int
    passes: int
    """When the second value in a row is beyond the threshold."""


def _level(shape: Callable[[int], float]) -> float:
    usual = [shape(at) for at in range(START, START + DAY, 5 * MINUTE)]
    return sum(usual) / len(usual)


def degradation(seed: int) -> Degradation:
    """A leak, a filling disk, a growing latency, a dying link; in three hours to three days."""
    chance = Random(seed)
    kind = ("leak", "disk", "latency", "link")[seed % 4]
    metric, unit, threshold = {
        "leak": ("memory usage", "%", 90.0),
        "disk": ("disk usage", "%", 90.0),
        "latency": ("response time", "ms", 0.0),
        "link": ("packet loss", "%", 10.0),
    }[kind]
    shape = {"leak": memory, "disk": cleaned, "latency": latency, "link": shares}[kind](chance)
    begins = START + 14 * DAY + int(chance.uniform(0, DAY))
    lasts = 10 ** chance.uniform(0.5, 1.86) * HOUR
    level = _level(shape)
    while kind == "leak" and level > 65.0:  # nearer to the threshold it passes by itself
        shape = memory(chance)
        level = _level(shape)
    if kind == "latency":
        threshold = 4.0 * level
    said: list[Point] = []
    for time in range(START, int(begins + 2 * lasts), 5 * MINUTE):
        value = shape(time)
        part = max(time - begins, 0) / lasts
        if kind == "latency":
            value *= 4.0**part
        elif kind == "link":
            value = 100.0 - value + (chance.expovariate(1.0 / (threshold * part)) if part > 0.0 else 0.0)
        else:
            value += part * (threshold - level)
        said.append((time, value))
        if len(said) > 1 and time > begins and min(value, said[-2][1]) >= threshold:
            break
    return Degradation(kind, metric, unit, said, begins, said[-1][0])
