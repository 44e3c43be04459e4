"""Matchers on labels, compiled and indexed by anchors: cost follows what matches, not how many there are."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Generic, TypeVar

from schemas.reference import Matcher

Test = Callable[[Mapping[str, str]], bool]
R = TypeVar("R")


def compile_matchers(matchers: tuple[Matcher, ...]) -> Test:
    """One function that says whether labels satisfy all matchers; a missing label counts as empty."""
    equal = tuple((m.label, m.value) for m in matchers if m.op == "=")
    unequal = tuple((m.label, m.value) for m in matchers if m.op == "!=")
    like = tuple((m.label, re.compile(m.value).fullmatch) for m in matchers if m.op == "=~")
    unlike = tuple((m.label, re.compile(m.value).fullmatch) for m in matchers if m.op == "!~")

    def test(labels: Mapping[str, str]) -> bool:
        get = labels.get
        return (
            all(get(label, "") == value for label, value in equal)
            and all(get(label, "") != value for label, value in unequal)
            and all(full(get(label, "")) is not None for label, full in like)
            and all(full(get(label, "")) is None for label, full in unlike)
        )

    return test


class MatcherIndex(Generic[R]):
    """Rules by one label value that they require; those that require none are tried on everything."""

    def __init__(self) -> None:
        self._anchored: dict[tuple[str, str], dict[str, tuple[Test, R]]] = {}
        self._free: dict[str, tuple[Test, R]] = {}
        self._anchor_of: dict[str, tuple[str, str] | None] = {}
        self._labels: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._anchor_of)

    def put(self, key: str, matchers: tuple[Matcher, ...], rule: R) -> None:
        """Insert or replace a rule. The anchor is its equality on the label that the fewest rules share a value of."""
        self.remove(key)
        anchors = [(m.label, m.value) for m in matchers if m.op == "=" and m.value]
        anchor = min(anchors, key=lambda pair: (len(self._anchored.get(pair, ())), pair)) if anchors else None
        entry = (compile_matchers(matchers), rule)
        self._anchor_of[key] = anchor
        if anchor is None:
            self._free[key] = entry
        else:
            self._anchored.setdefault(anchor, {})[key] = entry
            self._labels[anchor[0]] = self._labels.get(anchor[0], 0) + 1

    def remove(self, key: str) -> None:
        """Forget a rule; unknown keys are fine."""
        anchor = self._anchor_of.pop(key, None)
        self._free.pop(key, None)
        if anchor is not None:
            del self._anchored[anchor][key]
            if not self._anchored[anchor]:
                del self._anchored[anchor]
            self._labels[anchor[0]] -= 1
            if not self._labels[anchor[0]]:
                del self._labels[anchor[0]]

    def matching(self, labels: Mapping[str, str]) -> Iterator[R]:
        """All rules that the labels satisfy."""
        for test, rule in self._free.values():
            if test(labels):
                yield rule
        for label in self._labels:
            entries = self._anchored.get((label, labels.get(label, "")))
            if entries:
                for test, rule in entries.values():
                    if test(labels):
                        yield rule
