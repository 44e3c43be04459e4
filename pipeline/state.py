"""Explicit state: mappings that note what changed, so that any host can checkpoint and restore them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, Generic, NamedTuple, TypeVar, cast

import orjson

from schemas.base import ConfigError, exact

V = TypeVar("V")
T = TypeVar("T", bound=tuple[Any, ...])


class Entry(NamedTuple):
    """One changed entry of a checkpoint. `value` is None where the entry was removed."""

    table: str
    key: str
    value: bytes | None


def maker(kind: type[T]) -> Callable[[Iterable[Any]], T]:
    """Makes named tuples of all their fields in half the time of `kind` itself: for those made by tens of thousands."""
    return cast("Callable[[Iterable[Any]], T]", partial(tuple.__new__, kind))


_made = maker(Entry)


class Table(Generic[V]):
    """A mapping of str to V that knows which keys changed since the last drain.

    `dump` turns a value into what orjson can write; `load` is its inverse. Neither may hold an import path.
    """

    __slots__ = ("_changed", "_dump", "_load", "live", "name")

    def __init__(self, name: str, dump: Callable[[V], object], load: Callable[[str, Any], V]) -> None:
        self.name = name
        self.live: dict[str, V] = {}
        self._changed: set[str] = set()
        self._dump = dump
        self._load = load

    def __len__(self) -> int:
        return len(self.live)

    def __iter__(self) -> Iterator[str]:
        return iter(self.live)

    def __contains__(self, key: str) -> bool:
        return key in self.live

    def get(self, key: str) -> V | None:
        """The value, to read; say `touch` after changing it in place."""
        return self.live.get(key)

    def __getitem__(self, key: str) -> V:
        return self.live[key]

    def __setitem__(self, key: str, value: V) -> None:
        self.live[key] = value
        self._changed.add(key)

    def __delitem__(self, key: str) -> None:
        del self.live[key]
        self._changed.add(key)

    def touch(self, key: str) -> None:
        """Note that the value of `key` was changed in place."""
        self._changed.add(key)

    @property
    def changed(self) -> frozenset[str]:
        """Keys changed since the last drain."""
        return frozenset(self._changed)

    def drain(self) -> Iterator[Entry]:
        """Yield what changed since the last drain, in key order, and forget that it changed."""
        keys = sorted(self._changed)
        self._changed.clear()
        for key in keys:
            yield self.entry(key)

    def entry(self, key: str) -> Entry:
        """One entry as it is now; without a value where there is none."""
        value = self.live.get(key)
        # `default`: orjson takes tuples, but not named ones.
        packed = None if value is None else exact(orjson.dumps(self._dump(value), tuple, orjson.OPT_SORT_KEYS))
        return _made((self.name, key, packed))

    def restore(self, key: str, value: bytes) -> None:
        """Put back one entry of a checkpoint."""
        self.live[key] = self._load(key, orjson.loads(value))


class Single(Table[V]):
    """A table of one entry that is read when it is drained: for what changes with every input."""

    __slots__ = ("_drained", "_key", "_read")

    def __init__(self, name: str, key: str, read: Callable[[], V]) -> None:
        super().__init__(name, lambda value: value, lambda _, value: value)
        self._key, self._read = key, read
        self._drained = b""

    def __len__(self) -> int:
        return 1

    def __iter__(self) -> Iterator[str]:
        return iter((self._key,))

    def entry(self, key: str) -> Entry:
        """The entry as it is now."""
        return Entry(self.name, key, orjson.dumps(self._read(), None, orjson.OPT_SORT_KEYS))

    def drain(self) -> Iterator[Entry]:
        """The entry, where it is not as it was at the last drain."""
        packed = orjson.dumps(self._read(), None, orjson.OPT_SORT_KEYS)
        if packed != self._drained:
            self._drained = packed
            yield Entry(self.name, self._key, packed)

    def restore(self, key: str, value: bytes) -> None:
        """Put back the entry of a checkpoint: it is in `live` until whoever reads it takes it over."""
        super().restore(key, value)
        self._drained = value


class Tables:
    """The tables of one step, by name; the unit of checkpoint and restore."""

    def __init__(self, tables: Iterable[Table[Any]]) -> None:
        self._by_name = {table.name: table for table in tables}

    def drain(self) -> list[Entry]:
        """All changed entries of all tables, tables in the order they were given, keys in order."""
        return [entry for table in self._by_name.values() for entry in table.drain()]

    def __len__(self) -> int:
        return sum(len(table) for table in self._by_name.values())

    def keys(self) -> list[tuple[str, str]]:
        """Table and key of every entry."""
        return [(name, key) for name, table in self._by_name.items() for key in table]

    def entry(self, table: str, key: str) -> Entry:
        """One entry as it is now; without a value where there is none."""
        return self._by_name[table].entry(key)

    def restore(self, entries: Iterable[Entry]) -> None:
        """Put back a whole checkpoint. Raises ConfigError for a table that this version does not know."""
        for entry in entries:
            table = self._by_name.get(entry.table)
            if table is None:
                raise ConfigError(
                    f"stored state has a table {entry.table!r}; this version knows {', '.join(self._by_name)}"
                )
            if entry.value is not None:
                table.restore(entry.key, entry.value)
