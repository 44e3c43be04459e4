"""Two ways of the same work, one after the other in short turns, so that both get the same hours of a noisy machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple


class Spent(NamedTuple):
    """How much was done, and what it took: seconds by the clock, and of the CPU."""

    done: float
    seconds: float
    cpu: float

    @property
    def rate(self) -> float:
        """So many in a second by the clock."""
        return self.done / self.seconds

    @property
    def rate_cpu(self) -> float:
        """So many in a second of the CPU."""
        return self.done / self.cpu


def by_turns(sides: Mapping[str, Callable[[], Spent]], turns: int) -> dict[str, Spent]:
    """What all turns of each side took together; each side gets as many."""
    taken: dict[str, list[Spent]] = {name: [] for name in sides}
    for _ in range(turns):
        for name, turn in sides.items():
            taken[name].append(turn())
    return {name: Spent(*map(sum, zip(*some, strict=True))) for name, some in taken.items()}
