"""Detectors: how surprising a value of a series is, learned online, one pass, from the first point.

The style is river's: `score_one` asks and changes nothing, `learn_one` teaches. The state is of fixed size and is plain
data (`dump`, `load`), so that it can be kept, moved and restored without importing anything by name.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from math import copysign, log
from typing import Any, NamedTuple

from river import base

from models.features import FEATURES
from models.habit import Habit
from models.normal import Normal, View
from models.packed import pack, unpack
from models.tail import ONE_IN, Tail

DELAY = 4
"""A feature is learned that many points late, so that the beginning of an anomaly does not teach that it is usual."""
SMOOTH = 0.7
_SINGLE = 3e38
"""What single precision can hold."""
_LARGEST = 1e100
"""Values beyond it say nothing: their squares could not be told from infinity."""

WEIGHTS: dict[str, float] = {"level": 1.0, "season": 1.0, "trend": 0.3, "jump": 0.3, "spread": 0.15}
"""The features of the ensemble. See docs/models.md for what they were measured to be worth."""


class Judgement(NamedTuple):
    """What one value of a series looks like."""

    score: float
    """Surprise; 0 is as usual."""
    expected: float
    """What is usual at this time."""
    deviation: float
    """The usual size of a deviation from that."""
    parts: tuple[float, ...]
    """The surprise of each feature, with the sign of its direction."""


class Detector(base.Base):
    """One series. With one feature it is a detector of that kind, with several an ensemble of them.

    `weights` says which features (keys of `FEATURES`) and how much each counts.
    """

    def __init__(self, weights: Mapping[str, float] | None = None) -> None:
        self.weights = dict(WEIGHTS if weights is None else weights)
        self.names = tuple(self.weights)
        self._features = [FEATURES[name] for name in self.names]
        self._shares = tuple(self.weights.values())
        self._unmoved = (0.0,) * len(self.names)
        self._normal = Normal()
        self._memory = [[0.0] * feature.size for feature in self._features]
        self._pair()
        self._tails = [(Tail(), Tail()) for _ in self.names]
        self._late = array("f", bytes(4 * DELAY * len(self.names)))
        self._smooth = 0.0
        self._habit = Habit()

    # -- river's two verbs -------------------------------------------------------------------------------------------

    def score_one(self, time: int, value: float) -> float:
        """The surprise of a value at a time (milliseconds); 0 for one that is not a finite number."""
        return self.judge(time, value).score

    def learn_one(self, time: int, value: float) -> None:
        """Take a value in. One that is not a finite number, or is older than the last, teaches nothing."""
        if self._usable(time, value):
            view = self._normal.view(time, value)
            looks = self._looks(view)
            self._learn(time, value, view, looks, self._raw(looks)[0])

    def step(self, time: int, value: float) -> Judgement:
        """`judge`, then `learn_one`, for the price of one."""
        if not self._usable(time, value):
            return self._nothing()
        view = self._normal.view(time, value)
        looks = self._looks(view)
        raw, parts = self._raw(looks)
        judgement = self._judgement(time, view, raw, parts)
        self._learn(time, value, view, looks, raw)
        return judgement

    def judge(self, time: int, value: float) -> Judgement:
        """The score with what is expected and where it comes from; changes nothing."""
        if not self._usable(time, value):
            return self._nothing()
        view = self._normal.view(time, value)
        raw, parts = self._raw(self._looks(view))
        return self._judgement(time, view, raw, parts)

    @property
    def points(self) -> int:
        """How many points it has learned."""
        return self._normal.n

    @property
    def usual(self) -> float:
        """The slow level of the series."""
        return self._normal.anchor + self._normal.mean

    # -- how ---------------------------------------------------------------------------------------------------------

    def _usable(self, time: int, value: float) -> bool:
        # Said so that what is not a number is not usable either.
        return -_LARGEST <= value <= _LARGEST and time >= self._normal.time

    def _nothing(self) -> Judgement:
        return Judgement(0.0, self._normal.anchor + self._normal.mean, self._normal.deviation, self._unmoved)

    def _pair(self) -> None:
        """Put each feature beside its memory, once and not at each point."""
        pairs = list(zip(self._features, self._memory, strict=True))
        self._lookers = [(feature.look, memory) for feature, memory in pairs]
        self._learners = [(feature.learn, memory) for feature, memory in pairs if memory]

    def _looks(self, view: View) -> list[float]:
        normal = self._normal
        return [look(normal, view, memory) for look, memory in self._lookers]

    def _raw(self, looks: list[float]) -> tuple[float, tuple[float, ...]]:
        parts = None
        total = 0.0
        for at, (up, down) in enumerate(self._tails):
            look = looks[at]
            if look > up.edge:
                part = up.score(look)
            elif look < -down.edge:
                part = -down.score(-look)
            else:
                continue
            if part != 0.0:
                parts = parts or [*self._unmoved]
                parts[at] = part
                total += self._shares[at] * abs(part)
        return total, tuple(parts) if parts else self._unmoved

    def _judgement(self, time: int, view: View, raw: float, parts: tuple[float, ...]) -> Judgement:
        smooth, normal = self._smooth + SMOOTH * (raw - self._smooth), self._normal
        if smooth <= 0.0:
            return Judgement(0.0, view.expected, normal.deviation, parts)
        score = smooth - self._habit.discount(time, smooth)
        # The longer a series has been known the more there was to be surprised by.
        score -= 0.5 * log((normal.n + 100) / 2000.0)
        return Judgement(score if score > 0.0 else 0.0, view.expected, normal.deviation, parts)

    def _learn(self, time: int, value: float, view: View, looks: list[float], raw: float) -> None:
        normal, late = self._normal, self._late
        self._smooth += SMOOTH * (raw - self._smooth)
        self._habit.learn(time, self._smooth)
        at = normal.n % DELAY * len(looks)
        if normal.n >= DELAY:
            self._learn_late(at)
        for look in looks:
            late[at] = look if -_SINGLE < look < _SINGLE else copysign(_SINGLE, look)
            at += 1
        for learn, memory in self._learners:
            learn(normal, view, memory)
        normal.learn(time, value, view)

    def _learn_late(self, at: int) -> None:
        """Teach the tails what was seen some points ago. That one of them saw nothing is only counted."""
        late = self._late
        for up, down in self._tails:
            old = late[at]
            at += 1
            if old > 0.0:
                up.learn(old)
            else:
                up.n = n = up.n + 1
                if n % ONE_IN == 0:
                    up.pause()
            if old < 0.0:
                down.learn(-old)
            else:
                down.n = n = down.n + 1
                if n % ONE_IN == 0:
                    down.pause()

    # -- state -------------------------------------------------------------------------------------------------------

    def dump(self) -> list[Any]:
        """The state as plain data: lists of numbers, None and bytes (see `models.packed.text` for JSON).

        `load` of a detector of the same weights takes it back. What is in it is never changed later.
        """
        tails = [[up.dump(), down.dump()] for up, down in self._tails]
        memory = [numbers[:] for numbers in self._memory]
        return [self._normal.dump(), memory, tails, pack(self._late), self._smooth, self._habit.dump()]

    def load(self, state: list[Any]) -> None:
        """Take over a state that `dump` gave."""
        normal, memory, tails, late, self._smooth, habit = state
        self._normal.load(normal)
        self._memory = [list(numbers) for numbers in memory]
        self._pair()
        for (up, down), (old_up, old_down) in zip(self._tails, tails, strict=True):
            up.load(old_up)
            down.load(old_down)
        self._late = unpack("f", late)
        self._habit.load(habit)
