"""What a replay made of what it read: the figures, and how they are shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from agents.cli.desk import Desk
from agents.cli.output import count, rows, table
from schemas.alert import Alert, LedgerEntry
from schemas.event import DeadLetter
from schemas.incident import Incident, IncidentStatus

if TYPE_CHECKING:
    from rich.table import Table

GONE = (IncidentStatus.MERGED, IncidentStatus.WITHDRAWN)


class Summary(NamedTuple):
    """The figures of one replay."""

    payloads: int
    sources: Mapping[str, int]
    kinds: Mapping[str, int]
    repeats: int
    late: int
    alerts: int
    incidents: int
    statuses: Mapping[str, int]
    priorities: Mapping[str, int]
    suppressed: Mapping[str, int]
    dead: Mapping[str, int]
    seconds: float

    @property
    def events(self) -> int:
        """Events of all kinds."""
        return sum(self.kinds.values())


def collect(desk: Desk, payloads: int, seconds: float) -> Summary:
    """Read the figures off a store."""
    counters = desk.counters()
    incidents = [incident for incident in desk.all(Incident) if incident.status not in GONE]
    return Summary(
        payloads=payloads,
        sources=_counted(counters, "source "),
        kinds={
            kind: counters[kind] for kind in ("problem", "resolution", "information", "request") if kind in counters
        },
        repeats=counters.get("duplicate", 0),
        late=counters.get("late", 0),
        alerts=sum(1 for _ in desk.all(Alert)),
        incidents=len(incidents),
        statuses=Counter(incident.status.value for incident in incidents),
        priorities=Counter(f"P{incident.priority}" for incident in incidents),
        suppressed=Counter(entry.reason.value for entry in desk.all(LedgerEntry)),
        dead=Counter(letter.reason for letter in desk.all(DeadLetter)),
        seconds=seconds,
    )


def _counted(counters: Mapping[str, int], start: str) -> dict[str, int]:
    return {name.removeprefix(start): number for name, number in counters.items() if name.startswith(start)}


def shown(summary: Summary) -> Table:
    """The figures as a table for a person."""
    made = table("", "", "of which", right=("",))
    return rows(made, _lines(summary))


def _lines(summary: Summary) -> Iterator[tuple[str, str, str]]:
    rate = f"{count(round(summary.payloads / summary.seconds))}/s" if summary.seconds > 0 else ""
    late = [f"{count(summary.repeats)} delivered twice"] if summary.repeats else []
    late += [f"{count(summary.late)} late"] if summary.late else []
    yield "payloads read", count(summary.payloads), _parts(summary.sources)
    yield "events", count(summary.events), "; ".join([_parts(summary.kinds), *late])
    yield "alerts", count(summary.alerts), f"{_share(summary.alerts, summary.events)} of the events"
    yield "suppressed", count(sum(summary.suppressed.values())), _parts(summary.suppressed)
    yield "dead", count(sum(summary.dead.values())), _parts(summary.dead)
    yield (
        "incidents",
        count(summary.incidents),
        "; ".join(filter(None, [_parts(summary.priorities), _parts(summary.statuses)])),
    )
    yield "time", f"{summary.seconds:.1f} s", rate


def _parts(numbers: Mapping[str, int]) -> str:
    ordered = sorted(numbers.items(), key=lambda pair: (-pair[1], pair[0]))
    return ", ".join(f"{count(number)} {name}" for name, number in ordered)


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "0%"


def as_data(summary: Summary) -> dict[str, object]:
    """The figures for a machine."""
    return {**summary._asdict(), "events": summary.events}
