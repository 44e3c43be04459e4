"""Rates: final counts in; trend records out, and events where there are too many or where it has fallen silent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import orjson

from models.alarm import Alarm, rarity
from models.counts import NOTHING, Counts, Surprise
from models.packed import text, untexted
from models.words import number, span
from pipeline.settings import RateSettings
from pipeline.stages.enrich import Inventory
from pipeline.stages.node import RATES
from pipeline.stages.rings import SEP
from pipeline.stages.tally import Counted
from pipeline.state import Entry, Table
from schemas.base import DAY, HOUR, exact
from schemas.event import Event, EventKind, Signal, content_id, fingerprint
from schemas.rates import Rates
from schemas.severity import Severity

_NEW, _UNSETTLED = 9 * DAY, 1.5
"""For how long, and by how much, a series must surprise more, as no week has come back yet; on its first day none does.
"""
_SPEAKS, _HOURLY, _OFTEN = 2, 24, 12
"""What has so many an interval, or an hour, over so many of them, is modelled even if there never was much at once."""
_FEW = 3
"""So many incidents in one interval are many."""
_LOOKS_BACK = 14 * DAY


class Names(NamedTuple):
    """What a series counts."""

    tenant: str
    what: str
    by: str
    key: str


class Series:
    """The model of one series of counts, and whether something was said of it."""

    __slots__ = ("alarm", "counts", "expected_until", "heard", "told")

    def __init__(self, counts: Counts, threshold: float) -> None:
        rest = max(HOUR // counts.length, 1)
        self.counts, self.alarm = counts, Alarm(threshold, rest, rest)
        self.told = self.expected_until = self.heard = 0

    @property
    def awake(self) -> bool:
        """Whether it must be told of an interval without anything."""
        return self.counts.awake or self.alarm.open

    def dump(self) -> list[Any]:
        """JSON-able state."""
        return [
            *(self.counts.length, self.counts.dump(), self.alarm.dump(), self.alarm.threshold),
            *(self.told, self.expected_until, self.heard),
        ]

    @classmethod
    def load(cls, state: list[Any]) -> Series:
        """Inverse of `dump`."""
        length, counts, alarm, threshold, told, expected_until, heard = state
        series = cls(Counts(length), threshold)
        series.counts.load(counts)
        series.alarm.load(alarm)
        series.told, series.expected_until, series.heard = told, expected_until, heard
        return series


class SeriesTable(Table[Series]):
    """The series by tenant, what, by and key."""

    __slots__ = ()

    def entry(self, key: str) -> Entry:
        """One entry as it is now; without a value where there is none."""
        series = self.live.get(key)
        return Entry(self.name, key, None if series is None else exact(orjson.dumps(series.dump(), text)))


class RateTrends:
    """All series of counts. What never was many at once is only summed up, which costs next to nothing."""

    def __init__(self, settings: RateSettings, inventory: Inventory, again: int, forget: int) -> None:
        self._settings, self._inventory, self._again, self._forget = settings, inventory, again, forget
        self.table = SeriesTable("rates", Series.dump, lambda _, value: Series.load(untexted(value)))
        self.quiet: Table[dict[str, list[int]]] = Table("quiet", lambda value: value, lambda _, value: value)
        """By tenant, what and by: key to begin, how many since then, and when the last was."""
        self._awake: dict[str, set[str]] = {}
        """Keys that a silence is noticed of, by the same."""
        self._quiet = 0
        self.refused = 0
        """Counts of which nothing was learned, for there are too many series."""

    # -- counts in -------------------------------------------------------------------------------------------------

    def take(self, counted: Counted, late: int, *, learn: bool = True) -> tuple[list[Rates], list[Event]]:
        """One interval that is final: its records, and the anomalies that begin or end with it.

        An anomaly is told as of `late` after the end of the interval: that is when it can be known.
        """
        records: list[Rates] = []
        events: list[Event] = []
        found = counted.counts
        for head in sorted(found.keys() | self._heads(counted.length)):
            parts = head.split(SEP)
            counts = dict(sorted(found.get(head, {}).items()))
            if counts:
                records.append(_record(counted, parts, counts))
            if not learn:
                continue
            tenant, what, by = parts
            events += self._series(head, Names(tenant, what, by, ""), counts, counted, late)
        return records, events

    def _heads(self, length: int) -> set[str]:
        short = length != HOUR
        return {head for head, keys in self._awake.items() if keys and head.endswith(f"{SEP}source") == short}

    def _series(self, head: str, names: Names, counts: dict[str, int], counted: Counted, late: int) -> Iterator[Event]:
        """The series of one tenant, what and by: those that speak, and those that are awake."""
        start, now = counted.start, counted.start + counted.length + late
        quiet, many = self.quiet.get(head) or {}, self._many(names)
        if quiet:
            self.quiet.touch(head)
        speaks = _SPEAKS if names.by == "source" else _HOURLY
        awake = self._awake.get(head)
        for key in sorted(counts.keys() | awake) if awake else counts:
            count = counts.get(key, 0)
            known = quiet.get(key)
            if known is not None and count < many:
                seen = (start - known[0]) // counted.length
                if seen < _OFTEN or known[1] + count < speaks * seen:
                    known[1] += count
                    known[2] = start
                    continue
            yield from self._count(head, names._replace(key=key), count, counted, now)

    def _count(self, head: str, names: Names, count: int, counted: Counted, now: int) -> Iterator[Event]:
        name = f"{head}{SEP}{names.key}"
        series = self.table.get(name) or self._new(head, name, names, count, counted)
        if series is None:
            return
        self.table.touch(name)
        if count:
            series.heard = counted.start
        seen = series.counts.step(counted.start, count)
        yield from self._judge(names, name, series, seen, count, now)
        if series.awake:
            self._awake.setdefault(head, set()).add(names.key)
        else:
            self._awake.get(head, set()).discard(names.key)

    def _new(self, head: str, name: str, names: Names, count: int, counted: Counted) -> Series | None:
        """The model of a series that is seen to speak often or much; None for one that is not, which is summed up."""
        quiet = self.quiet.get(head)
        if quiet is None:
            quiet = self.quiet[head] = {}
        known = quiet.get(names.key)
        if known is None:
            if self._quiet + len(self.table) >= self._settings.most:
                self.refused += 1
                return None
            known = quiet[names.key] = [counted.start, 0, 0]
            self._quiet += 1
        self.quiet.touch(head)
        begin, total, _ = known
        if count < self._many(names) and begin == counted.start:
            known[1:] = count, counted.start
            return None
        seen = (counted.start - begin) // counted.length
        del quiet[names.key]
        self._quiet -= 1
        counts = Counts(counted.length, seen, total / seen if seen else 0.0)
        series = self.table[name] = Series(counts, self._settings.threshold)
        return series

    def _many(self, names: Names) -> int:
        """What is always looked at, and is too many at the least."""
        return _FEW if names.what == "incidents" else self._settings.least

    # -- events out ------------------------------------------------------------------------------------------------

    def _judge(self, names: Names, name: str, series: Series, seen: Surprise, count: int, now: int) -> Iterator[Event]:
        age, length = series.counts.n * series.counts.length, series.counts.length
        doubt = _UNSETTLED if age < _NEW else 1.0
        matters = age >= DAY and (not seen.up or count >= self._many(names))
        was_open = series.alarm.open
        begins = series.alarm.step(seen.score / doubt if matters else 0.0)
        if begins and now < series.expected_until:
            series.alarm.open = False
        elif begins or (series.alarm.open and now - series.told >= self._again):
            series.told = now
            yield self._event(names, name, now, length, seen, count)
        elif was_open and not series.alarm.open:
            yield self._event(names, name, now, length, NOTHING._replace(expected=seen.expected), count, over=True)

    def _event(
        self, names: Names, name: str, now: int, length: int, seen: Surprise, count: int, *, over: bool = False
    ) -> Event:
        kind = EventKind.RESOLUTION if over else EventKind.PROBLEM
        shown = self._inventory.name(names.key) if names.by in ("service", "item") else names.key
        told = f"{names.by} {shown}: {count} {names.what} in {span(length)}, {number(seen.expected)} usual"
        labels = {
            "score": f"{seen.score:.1f}",
            "one_in": f"{rarity(seen.score):.3g}",
            "expected": number(seen.expected),
            "reason": f"{'more' if seen.up else 'fewer'} {names.what} than usual",
        }
        return Event(
            id=content_id(RATES, kind.value, name, str(now)),
            kind=kind,
            time=now,
            received=now,
            source=RATES,
            tenant=names.tenant,
            resource=f"{names.by} {names.key}".strip(),
            check=f"rate of {names.what} anomaly",
            severity=Severity.INFO if over else Severity.WARNING,
            signal=Signal.ANOMALY,
            summary=f"{told}: as usual again" if over else told,
            labels={} if over else labels,
            value=float(count),
            fingerprint=fingerprint(RATES, name),
        )

    # -- what people say -------------------------------------------------------------------------------------------

    def key_of(self, alert: str) -> str | None:
        """The series of which an alert tells."""
        return next((name for name in self.table if alert == content_id(RATES, name)), None)

    def feedback(self, name: str, *, right: bool) -> float:
        """See `pipeline.stages.trend.Trends.feedback`."""
        series, usual = self.table[name], self._settings.threshold
        moved = series.alarm.threshold + (-1.0 if right else 2.6)
        series.alarm.threshold = min(max(moved, 0.7 * usual), 3.0 * usual)
        self.table.touch(name)
        return series.alarm.threshold

    def expect(self, name: str, until: int) -> None:
        """See `pipeline.stages.trend.Trends.expect`."""
        self.table[name].expected_until = until
        self.table.touch(name)

    # -- time ------------------------------------------------------------------------------------------------------

    def forget(self, watermark: int) -> None:
        """Drop what has been silent for long."""
        old = watermark - self._forget
        back = watermark - _LOOKS_BACK
        for name in sorted(name for name, series in self.table.live.items() if series.heard < old):
            head, _, key = name.rpartition(SEP)
            self._awake.get(head, set()).discard(key)
            del self.table[name]
        for head in sorted(self.quiet):
            for known in self.quiet[head].values():
                if known[0] < back:
                    known[:2] = back + _LOOKS_BACK // 2, known[1] // 2
                    self.quiet.touch(head)
            gone = [key for key, known in self.quiet[head].items() if known[2] < old]
            for key in gone:
                del self.quiet[head][key]
            if gone:
                self._quiet -= len(gone)
                self.quiet.touch(head)

    def resume(self) -> None:
        """After a restore of the tables."""
        self._quiet = sum(map(len, self.quiet.live.values()))
        for name, series in self.table.live.items():
            if series.awake:
                head, _, key = name.rpartition(SEP)
                self._awake.setdefault(head, set()).add(key)


def _record(counted: Counted, names: list[str], counts: dict[str, int]) -> Rates:
    tenant, what, by = names
    made: dict[str, Any] = {"tenant": tenant, "what": what, "by": by, "counts": counts}
    # Made of what was checked when it came in.
    return Rates.model_construct(
        id=content_id(*names, str(counted.start)), time=counted.start, length=counted.length, **made
    )
