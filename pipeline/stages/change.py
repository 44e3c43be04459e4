"""What the alert step tells the correlating step: all of one alert that matters beyond it, small enough to be sent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from pipeline.stages.fold import Spell
from pipeline.stages.intake import Change
from schemas.alert import AlertTransition
from schemas.severity import BY_RANK


class Opening(NamedTuple):
    """What the event said that began a spell, for as long as it may still be overtaken."""

    start: int
    summary: str
    labels: dict[str, str]


class AlertChange(NamedTuple):
    """One change of one alert. Plain values only, so that it can cross a process.

    `rank` is that of its last problem; `raw` says whether the monitor last reported a problem. `spells` are those that
    may be new or changed, by start; `gone` are starts of spells that turned out never to have been.
    """

    fingerprint: str
    time: int
    reason: str
    rank: int
    raw: bool
    tenant: str
    scope: str
    source: str
    resource: str
    component: str
    check: str
    summary: str
    labels: dict[str, str]
    spells: tuple[Spell, ...]
    gone: tuple[int, ...]
    openings: tuple[Opening, ...] = ()
    """Of spells whose beginning may have changed: an event was overtaken by the others."""


def told(change: Change) -> AlertChange:
    """What is told of a change."""
    state = change.state
    view, identity = state.view, state.identity
    return AlertChange(
        change.fingerprint,
        change.time,
        change.reason,
        view.rank,
        view.raw,
        identity.tenant,
        identity.scope,
        identity.source,
        identity.resource,
        identity.component,
        identity.check,
        view.summary,
        view.labels,
        change.spells,
        change.gone,
        tuple(_openings(change)) if change.reason == "revised" else (),
    )


def _openings(change: Change) -> Iterator[Opening]:
    for spell in change.spells:
        point = change.state.opening(spell.start)
        if point is not None:
            yield Opening(spell.start, point.summary, point.labels)


def transition_of(change: AlertChange) -> AlertTransition:
    """The public record of a change."""
    return AlertTransition(
        time=change.time,
        reason=change.reason,
        fingerprint=change.fingerprint,
        severity=BY_RANK[change.rank] if change.raw else None,
        resource=change.resource,
        component=change.component,
        check=change.check,
    )
