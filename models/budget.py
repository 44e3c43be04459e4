"""How often one series may speak: about once a month, however little its odds are to be believed.

Odds are only as good as what they were learned from; a few series have heavier tails than their past shows. So each
alarm raises what the next one of the same series must surprise by, and time takes that back at the rate of one alarm a
month: after the adaptive update of Gibbs and Candes (2021), which needs to know nothing of the tail.
"""

from __future__ import annotations

MONTH = 30 * 86_400_000
RISE = 4.0
"""Surprise that one alarm adds; what comes next must be five times rarer (see `models.alarm.rarity`)."""
_BEGINS = 0.5
"""A new series has used up half of a month's alarm: of it least is known."""
_MOST = 4.0
"""Months after which all is forgotten, however many alarms there were."""
_HOUR = 3_600_000


class Budget:
    """What one series has used up. The state is one number, the hour at which all of it is earned back."""

    __slots__ = ("_until",)

    def __init__(self, first: int = 0) -> None:
        self._until = int(first + _BEGINS * MONTH) // _HOUR if first else 0

    def asks(self, time: int) -> float:
        """By how much more than usual something must surprise at a time, to be an alarm."""
        return max(RISE * (self._until * _HOUR - time) / MONTH, 0.0)

    def spend(self, time: int, over: float) -> None:
        """There was an alarm at a time, by a surprise that was so much over the threshold.

        One that no budget could have held back costs nothing: it is not what a badly known tail makes.
        """
        if over >= _MOST * RISE:
            return
        self._until = int(min(max(self._until * _HOUR, time) + MONTH, time + _MOST * MONTH)) // _HOUR

    def refund(self) -> None:
        """The last alarm was worth it, so it does not count."""
        self._until = max(self._until - MONTH // _HOUR, 0)

    def dump(self) -> int:
        """The state as plain data; see `Detector.dump`."""
        return self._until

    def load(self, state: int) -> None:
        """Take over a state that `dump` gave."""
        self._until = state
