"""Where a silent common cause is looked up: what alerts behind one thing in one bucket of time, by direct dependant.

A direct dependant (a branch) counts when it alerts itself, or when enough of what needs it does.
"""

from __future__ import annotations

from collections.abc import Mapping

Keys = str | set[str]
"""One key, or a set of several."""
NONE: frozenset[str] = frozenset()
_NO_NEEDS: dict[str, int] = {}
_NO_KEYS: set[str] = set()
"""Of all that hold one node; never changed. Sets of their own would make an open alert a sixth larger."""


class Bucket:
    """Nodes by branch, a direct dependant of the thing. Most hold one node for long, so that one is kept small."""

    __slots__ = ("_direct", "_full", "_more", "_needs", "_only", "least")

    def __init__(self) -> None:
        self._only: tuple[str, str, int] | None = None
        """Branch, key and need while there is one node."""
        self._more: dict[str, Keys] | None = None
        self._needs, self._direct, self._full = _NO_NEEDS, _NO_KEYS, _NO_KEYS
        self.least = ""
        """The least key of all: the same whatever order they came in."""

    @property
    def branches(self) -> Mapping[str, Keys]:
        """Nodes by branch."""
        if self._more is not None:
            return self._more
        return {} if self._only is None else {self._only[0]: self._only[1]}

    @property
    def full(self) -> set[str] | frozenset[str]:
        """The branches that count."""
        if self._only is None:
            return self._full
        return NONE if self._only[2] > 1 else frozenset(self._only[:1])

    def add(self, branch: str, key: str, need: int) -> None:
        """Enter a node. `need`: so many like it make the branch count; 0 where it is about the branch itself."""
        if not self.least or key < self.least:
            self.least = key
        if self._only is None and self._more is None:
            self._only = (branch, key, need)
            return
        if self._more is None:
            self._more, self._needs, self._direct, self._full = {}, {}, set(), set()
            if self._only is not None:
                first, self._only = self._only, None
                self._enter(self._more, *first)
        self._enter(self._more, branch, key, need)

    def _enter(self, more: dict[str, Keys], branch: str, key: str, need: int) -> None:
        old = more.setdefault(branch, key)
        if isinstance(old, set):
            old.add(key)
        elif old != key:
            more[branch] = {old, key}
        if need:
            self._needs[branch] = need
        else:
            self._direct.add(key)
        if self._counts(branch, _as_set(more[branch])):
            self._full.add(branch)

    def _counts(self, branch: str, keys: set[str]) -> bool:
        """Whether these nodes would make the branch count."""
        return len(keys) >= self._needs.get(branch, len(keys) + 1) or not self._direct.isdisjoint(keys)

    def discard(self, branch: str, key: str) -> bool:
        """Take out a node if it is there. Returns whether anything is left."""
        if self._more is None:
            if self._only is not None and self._only[:2] == (branch, key):
                self._only, self.least = None, ""
            return self._only is not None
        rest = _as_set(self._more.get(branch, set())) - {key}
        self._direct.discard(key)
        if not self._counts(branch, rest):
            self._full.discard(branch)
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

    def hangs_on(self, branch: str, key: str) -> bool:
        """Whether a branch counts, and would not without one of its nodes."""
        if self._more is None:
            return branch in self.full
        return branch in self._full and not self._counts(branch, _as_set(self._more[branch]) - {key})

    def count_with(self, other: Bucket, enough: int) -> int:
        """How many branches count in either; once that is more than `enough`, a number not above the true one."""
        one, two = self.full, other.full
        most = max(len(one), len(two))
        if most > enough or not two:
            return most
        return len(one | two)

    def least_with(self, other: Bucket, key: str) -> str:
        """The least node of both but one."""
        least = min(one for one in (self.least, other.least) if one)
        return least if least != key else min((self.keys() | other.keys()) - {key})


NOTHING = Bucket()


def _as_set(found: Keys) -> set[str]:
    return found if isinstance(found, set) else {found}
