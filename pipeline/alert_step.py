"""The first keyed step: events in, changes of alerts out. Keyed by alert, so that it can be spread over workers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from pipeline.clock import Clock
from pipeline.settings import FlowSettings
from pipeline.stages.arrival import FOLDED, WITHIN, Arrival, Passing, Plain
from pipeline.stages.change import AlertChange, told
from pipeline.stages.intake import Intake
from pipeline.stages.node import MODELS
from pipeline.stages.skew import Skew
from pipeline.state import Table
from schemas.alert import Alert
from schemas.base import Millis


class AlertStep:
    """Clock skew, dedup, flapping and hold times of any number of alerts. The caller moves its clock."""

    def __init__(self, settings: FlowSettings, clock: Clock) -> None:
        self.clock = clock
        self._plain_is_right = min(settings.time.skew, settings.time.lateness) >= WITHIN
        self.skew = Skew(settings.time.skew)
        self.intake = Intake(settings)

    @property
    def tables(self) -> list[Table[object]]:
        """The state, beside that of the clock."""
        return [self.skew.table, self.intake.alerts, self.intake.tombs, self.intake.clears]  # type: ignore[list-item]

    def time_of(self, event: Arrival | Passing) -> Millis:
        """Begin with an event: its time by our clock."""
        clock = self.clock
        self.intake.seq = clock.arrive(event.kind._value_, event.source)  # `value` is reckoned at each look
        time = event.time if event.source == MODELS else self.skew.correct(event)  # see `TrendStep.begin`
        if time < clock.watermark:
            clock.count("late")
        return time

    def knows(self, plain: Sequence[Plain]) -> bool:
        """Whether it is known of all these events that their own times are right and that none is late."""
        return self._plain_is_right and all(
            one.source != MODELS and one.oldest >= self.clock.watermark and not self.skew.corrects(one.source)
            for one in plain
        )

    def count(self, plain: Sequence[Plain]) -> None:
        """Count events of which that is known; say `skew.prompt` of them as well, in their places."""
        for one in plain:
            for kind, count in one.kinds.items():
                self.clock.arrive(kind, one.source, count)

    def fold(self, event: Arrival | Passing, time: Millis) -> AlertChange | None:
        """Fold the event just begun with into its alert. None where that changed nothing but counts."""
        if event.kind not in FOLDED or isinstance(event, Passing):
            self.intake.last_reason = ""
            return None
        clock = self.clock
        moved = time != event.time
        if moved:
            clock.count("skew corrected")
        change = self.intake.event(event, time, moved)
        clock.count(self.intake.last_reason)
        return None if change is None else told(change)

    def advance(self) -> Iterable[AlertChange]:
        """What happens by itself up to the watermark."""
        changes = self.intake.advance(self.clock.watermark)
        return map(told, changes) if changes else ()

    def export(self, alerts: bool = True) -> Iterator[Alert]:
        """Current records of all alerts that changed since the last drain (none but those forgotten without `alerts`).

        What was forgotten meanwhile comes as it was last, so that it does not matter how often this is called. One by
        one, to be taken before anything else happens: each is ten times as large as what it is made of.
        """
        intake = self.intake
        parted, intake.parted = intake.parted, []
        yield from parted
        for key in sorted(intake.alerts.changed) if alerts else ():
            if (record := intake.record(key)) is not None:
                yield record

    def resume(self) -> None:
        """After a restore of the tables, the clock's included."""
        self.intake.watermark = self.clock.watermark
        self.intake.resume()
