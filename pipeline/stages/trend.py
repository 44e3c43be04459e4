"""Samples in; events out where a series is not as usual, or will reach a bound."""

from __future__ import annotations

from math import isfinite

from models.alarm import rarity
from models.catalogue.lookup import Indicator, find
from models.detector import Judgement
from models.forecast import Forecast
from models.words import number, picture, reason, span
from pipeline.settings import ModelSettings
from pipeline.stages.node import MODELS
from pipeline.stages.series import Series, SeriesTable, bound
from schemas.base import DAY, HOUR
from schemas.event import Event, EventKind, MetricSample, Signal, content_id, fingerprint
from schemas.severity import Severity

_WEEKS, _DAYS = 9 * DAY, 2 * DAY
"""How long a series is new: what comes back each week, or each day, must have come back once."""
_UNSETTLED, _FIRST_DAY = 1.5, 2.5
"""By how much more a new series must surprise; and one of which not even a day is known."""


class Trends:
    """All series by key. One sample in, the events it gives rise to out; nothing is sent or stored here."""

    def __init__(self, settings: ModelSettings | None = None) -> None:
        self.settings = settings or ModelSettings()
        self.due = 0
        """The watermark at which it is looked for what is to be forgotten."""
        self.table = SeriesTable("series")

    @property
    def full(self) -> bool:
        """Whether no other series can be learned."""
        return len(self.table.live) >= self.settings.most

    def knows(self, sample: MetricSample) -> bool:
        """Whether its series is being learned."""
        return series_key(sample) in self.table.live

    def sample(self, sample: MetricSample) -> list[Event]:
        """Learn from one sample; the anomalies and forecasts that begin or end with it."""
        key = series_key(sample)
        indicator = find(sample.metric, sample.unit)
        series = self.table.find(key)
        if series is None:
            counting = sample.counter or (indicator is not None and indicator.counter)
            series = Series(self.settings.threshold, counting, sample.time)
            series.settled = sample.time + _new_for(indicator)
            self.table.add(key, series)
        value = sample.value
        if series.counter is not None:
            rate = series.counter.rate_one(sample.time, value)
            self.table.touch(key)
            if rate is None:
                return []
            value = rate
        if not isfinite(value) or sample.time < series.time:
            return []
        self.table.touch(key)
        left = series.settled - sample.time
        doubt = 1.0 if left <= 0 else _FIRST_DAY if left > _new_for(indicator) - DAY else _UNSETTLED
        events = self._detect(key, series, sample, value, doubt)
        if series.forecaster.learn_one(sample.time, value) and series.counter is None:
            events += self._forecast(key, series, sample, value, indicator)
        return events

    def key_of(self, alert: str) -> str | None:
        """The series of which an alert tells; looked for among all of them, as people seldom ask."""
        return next(
            (key for key in self.table if alert in (content_id(key, "anomaly"), content_id(key, "forecast"))), None
        )

    def expect(self, key: str, until: int) -> None:
        """Feedback: what this series does is expected until that time; it learns and says nothing."""
        series = self.table.find(key)
        if series is not None:
            series.expected_until = until
            self.table.touch(key)

    def feedback(self, key: str, *, right: bool) -> float:
        """Feedback: an anomaly of this series was worth it or not: its threshold moves by what triples the odds.

        One that was worth it does not count for how often the series may speak. Returns the threshold, to which its
        recent anomalies add. Raises KeyError for a series that is not known.
        """
        series = self.table.find(key)
        if series is None:
            raise KeyError(key)
        least, most = 0.7 * self.settings.threshold, 3.0 * self.settings.threshold
        moved = series.alarm.threshold + (-1.0 if right else 2.6)
        series.alarm.threshold = min(max(moved, least), most)
        if right:
            series.budget.refund()
        self.table.touch(key)
        return series.alarm.threshold

    def forget(self, watermark: int) -> None:
        """Drop the series that have been silent for long; the next look is in an hour."""
        self.due = (watermark // HOUR + 1) * HOUR
        old = watermark - self.settings.forget
        for key in sorted(key for key, time in self.table.times() if time < old):
            del self.table[key]

    def _detect(self, key: str, series: Series, sample: MetricSample, value: float, doubt: float) -> list[Event]:
        judgement = series.detector.step(sample.time, value)
        was_open = series.alarm.open
        score = judgement.score / doubt
        more = series.budget.asks(sample.time) if score >= series.alarm.threshold else 0.0
        if series.alarm.step(score, more):
            if sample.time < series.expected_until:
                series.alarm.open = False
                return []
            series.told = sample.time
            series.budget.spend(sample.time, score - series.alarm.threshold)
            return [self._anomaly(key, series, sample, value, judgement)]
        if was_open and not series.alarm.open:
            return [self._over(key, sample, "anomaly", f"{sample.metric} is as usual again: {number(value)}")]
        if was_open and sample.time - series.told >= self.settings.again:
            series.told = sample.time
            return [self._anomaly(key, series, sample, value, judgement)]
        return []

    def _anomaly(self, key: str, series: Series, sample: MetricSample, value: float, seen: Judgement) -> Event:
        why = reason(series.detector, seen) or "not as usual yet"
        shown = picture([*series.forecaster.picture, value])
        low, high = seen.expected - 2.0 * seen.deviation, seen.expected + 2.0 * seen.deviation
        told = (
            f"{sample.metric} {number(value)}{sample.unit and ' ' + sample.unit}: {why}, {number(seen.expected)} usual"
        )
        labels = {
            **sample.labels,
            "score": f"{seen.score:.1f}",
            "one_in": f"{rarity(seen.score):.3g}",
            "expected": f"{low:.6g} to {high:.6g}",
            "reason": why,
            "picture": shown,
        }
        return self._event(key, sample, "anomaly", told, value, labels)

    def _forecast(
        self, key: str, series: Series, sample: MetricSample, value: float, indicator: Indicator | None
    ) -> list[Event]:
        limit = bound(indicator)
        if limit is None:
            return []
        found = series.forecaster.reaches(limit)
        now = sample.time
        # Told once it is near and sure; taken back only when it is neither any more.
        reach = self.settings.ahead * (2 if series.predicted else 1)
        near = found is not None and found.latest - now < 3 * (found.at - now) and found.at - now <= reach
        if near and found is not None and not series.predicted and now >= series.expected_until:
            if series.forecaster.odds(limit, found.latest - now) < self.settings.certain:
                return []
            series.predicted = now
            return [self._reached(key, series, sample, value, found, limit)]
        if series.predicted and not near and not _beyond(value, limit, indicator):
            series.predicted = 0
            return [
                self._over(key, sample, "forecast", f"{sample.metric} will not reach {number(limit)} soon any more")
            ]
        if series.predicted and now - series.predicted >= self.settings.again:
            series.predicted = now
            return [self._reached(key, series, sample, value, found if near else None, limit)]
        return []

    def _reached(
        self, key: str, series: Series, sample: MetricSample, value: float, found: Forecast | None, limit: float
    ) -> Event:
        if found is None:
            told = f"{sample.metric} has come to {number(limit)} as was foretold, now {number(value)}"
            return self._event(key, sample, "forecast", told, value, {**sample.labels, "reaches": number(limit)})
        left, early, late = (span(max(at - sample.time, 0)) for at in found)
        told = f"{sample.metric} will reach {number(limit)} in {left} ({early} to {late}), now {number(value)}"
        labels = {
            **sample.labels,
            "reaches": number(limit),
            "at": str(found.at),
            "earliest": str(found.earliest),
            "latest": str(found.latest),
            "picture": picture([*series.forecaster.picture, value]),
        }
        return self._event(key, sample, "forecast", told, value, labels)

    def _over(self, key: str, sample: MetricSample, what: str, told: str) -> Event:
        return self._event(key, sample, what, told, None, dict(sample.labels), EventKind.RESOLUTION)

    @staticmethod
    def _event(
        key: str,
        sample: MetricSample,
        what: str,
        told: str,
        value: float | None,
        labels: dict[str, str],
        kind: EventKind = EventKind.PROBLEM,
    ) -> Event:
        return Event(
            id=content_id(MODELS, what, kind.value, key, str(sample.time)),
            kind=kind,
            time=sample.time,
            received=sample.received,
            source=MODELS,
            tenant=sample.tenant,
            resource=sample.resource,
            component=sample.component,
            check=f"{sample.metric} {what}",
            severity=Severity.WARNING if kind is EventKind.PROBLEM else Severity.INFO,
            signal=Signal.ANOMALY,
            summary=told,
            labels=labels,
            value=value,
            unit=sample.unit,
            fingerprint=fingerprint(key, what),
        )


def series_key(sample: MetricSample) -> str:
    """What makes a series itself: never its unit or its value."""
    names = f"{sample.tenant}\x1f{sample.resource}\x1f{sample.component}\x1f{sample.metric}"
    for name, text in sorted(sample.labels.items()):
        names += f"\x1f{name}={text}"
    return names


def _new_for(indicator: Indicator | None) -> int:
    return _WEEKS if indicator is None or indicator.shape == "week" else _DAYS


def _beyond(value: float, limit: float, indicator: Indicator | None) -> bool:
    """Whether the value is at the bound or next to it: then the forecast has come true."""
    scale = 0.02 * abs(limit) or 0.02
    return value <= limit + scale if indicator is not None and indicator.bad == "down" else value >= limit - scale
