"""Where a silent common cause is looked up: what alerts behind one thing in one bucket of time, by direct dependant."""

from __future__ import annotations

from collections.abc import Mapping

Keys = str | set[str]
"""One key, or a set of several."""


class Bucket:
    """Nodes by branch, a direct dependant of the thing. Most hold one node for long, so that one is kept small."""

    __slots__ = ("_more", "_only", "least")

    def __init__(self) -> None:
        self._only: tuple[str, str] | None = None
        """Branch and key while there is one node."""
        self._more: dict[str, Keys] | None = None
        self.least = ""
        """The least key of all: the same whatever order they came in."""

    @property
    def branches(self) -> Mapping[str, Keys]:
        """Nodes by branch."""
        if self._more is not None:
            return self._more
        return {} if self._only is None else {self._only[0]: self._only[1]}

    def add(self, branch: str, key: str) -> None:
        """Enter a node."""
        if not self.least or key < self.least:
            self.least = key
        if self._only is None and self._more is None:
            self._only = (branch, key)
            return
        if self._more is None:
            self._more, self._only = dict(self.branches), None
        old = self._more.setdefault(branch, key)
        if isinstance(old, set):
            old.add(key)
        elif old != key:
            self._more[branch] = {old, key}

    def discard(self, branch: str, key: str) -> bool:
        """Take out a node if it is there. Returns whether anything is left."""
        if self._more is None:
            if self._only == (branch, key):
                self._only, self.least = None, ""
            return self._only is not None
        rest = _as_set(self._more.get(branch, set())) - {key}
        if rest:
            self._more[branch] = rest if len(rest) > 1 else rest.pop()
        else:
            self._more.pop(branch, None)
        if key == self.least:
            self.least = min(self.keys(), default="")
        return bool(self._more)

    def keys(self) -> set[str]:
        """All nodes."""
        return set().union(*map(_as_set, self.branches.values()))

    def alone(self, branch: str) -> bool:
        """Whether a branch has one node only."""
        return isinstance(self.branches.get(branch), str)

    def count_with(self, other: Bucket, enough: int) -> int:
        """How many branches both have; once that is more than `enough`, a number not above the true one."""
        one, two = self.branches, other.branches
        most = max(len(one), len(two))
        if most > enough or not two:
            return most
        return len(one.keys() | two.keys())

    def least_with(self, other: Bucket, key: str) -> str:
        """The least node of both but one."""
        least = min(one for one in (self.least, other.least) if one)
        return least if least != key else min((self.keys() | other.keys()) - {key})


NOTHING = Bucket()


def _as_set(found: Keys) -> set[str]:
    return found if isinstance(found, set) else {found}
