"""Flapping: the weighted share of state changes over the last 20 checks.

Weights rise from 0.80 for the oldest check to 1.18 for the newest, as Icinga has them (0.8 + 0.02 i, i = 0..19).
The window is a whole number of 20 bits, the newest check in the lowest bit, 1 where the state changed.
"""

from __future__ import annotations

from functools import lru_cache

CHECKS = 20
MASK = (1 << CHECKS) - 1
_HALF = CHECKS // 2
_LOW_MASK = (1 << _HALF) - 1


def _weights(offset: int) -> tuple[float, ...]:
    """Sum of the weights of the set bits, for each value of ten bits; bit 0 is `offset` checks old."""
    return tuple(
        sum(0.8 + 0.02 * (CHECKS - 1 - offset - bit) for bit in range(_HALF) if value >> bit & 1) / CHECKS
        for value in range(1 << _HALF)
    )


_NEW = _weights(0)
_OLD = _weights(_HALF)


def push(window: int, changed: bool) -> int:
    """The window after one more check."""
    return ((window << 1) | changed) & MASK


def quiet(window: int, checks: int) -> int:
    """The window after `checks` checks without a change."""
    return (window << checks) & MASK if checks < CHECKS else 0


def share(window: int) -> float:
    """Weighted share of changes, 0 to 0.99."""
    return _NEW[window & _LOW_MASK] + _OLD[window >> _HALF]


@lru_cache(maxsize=1 << 14)
def quiet_checks_until(window: int, level: float) -> int:
    """How many checks without a change bring the share down to `level` or below."""
    for checks in range(CHECKS + 1):
        if share(quiet(window, checks)) <= level:
            return checks
    return CHECKS
