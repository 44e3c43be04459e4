"""Alerts: what repeats of an event are folded into; their transitions; the ledger of what was suppressed and why."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from schemas.base import Millis, Name, Record
from schemas.event import Signal
from schemas.severity import Severity


class AlertStatus(StrEnum):
    """Lifecycle of an alert."""

    OPEN = "open"
    RESOLVED = "resolved"


class SeverityChange(Record):
    """One step of an alert's severity history."""

    time: Millis
    severity: Severity | None = Field(description="None where it was resolved.")


class Occurrence(Record):
    """One spell of an alert: from its first problem to its resolution, reopenings inside the reopen window included."""

    alert: Name = Field(description="Fingerprint of the alert.")
    start: Millis
    end: Millis | None = Field(default=None, description="None while it is open.")
    severity: Severity = Field(description="The worst of the spell.")


class Alert(Record):
    """The current state of one alert: all deliveries about one (tenant, resource, component, check), folded."""

    fingerprint: Name
    version: int = Field(ge=1, description="Only grows. Keep the highest.")
    tenant: Name
    scope: Name
    source: Name
    resource: Name
    component: str
    check: Name
    signal: Signal
    status: AlertStatus
    severity: Severity
    highest: Severity = Field(description="Worst severity of this spell.")
    summary: str
    labels: dict[str, str]
    count: int = Field(ge=0, description="Problem events folded into this spell.")
    total: int = Field(ge=0, description="Distinct events, problems and resolutions, ever folded into this alert.")
    spells: int = Field(ge=0, description="How many spells it has had.")
    reopened: int = Field(ge=0, description="How often it was reopened in this spell.")
    first: Millis = Field(description="Start of this spell.")
    last: Millis = Field(description="Time of the newest event.")
    ended: Millis | None = None
    expires: Millis | None = Field(default=None, description="It ends by itself then, unless news comes.")
    flapping: bool
    late: int = Field(ge=0, description="Events that came beyond the lateness.")
    history: tuple[SeverityChange, ...] = ()
    url: str = ""


class SuppressionReason(StrEnum):
    """Why an alert opens nothing."""

    SILENCE = "silence"
    MAINTENANCE = "maintenance"
    INHIBITION = "inhibition"
    DEPENDENCY = "dependency"
    FLAPPING = "flapping"
    TRANSIENT = "transient"


class Placement(Record):
    """Where the correlating step put the newest spell of an alert."""

    alert: Name = Field(description="Fingerprint.")
    version: int = Field(ge=1)
    scope: Name
    start: Millis = Field(description="Start of the spell.")
    item: str | None = Field(default=None, description="Id of the configuration item it is bound to.")
    incident: str | None = None
    suppressed: SuppressionReason | None = Field(default=None, description="Why it opens nothing now.")


class AlertTransition(Record):
    """What changed about an alert. Read by the correlating step, and by anyone who follows alerts."""

    time: Millis
    reason: Name = Field(
        description="opened, reopened, escalated, lowered, resolved, expired, flapping, steady, revised."
    )
    fingerprint: Name
    severity: Severity | None
    resource: Name
    component: str
    check: Name


class LedgerEntry(Record):
    """One line of the suppression ledger: what was held back, why, by what, from when until when."""

    id: Name
    version: int = Field(ge=1)
    alert: Name
    start: Millis = Field(description="Start of the spell that was held back.")
    reason: SuppressionReason
    by: str = Field(description="Id of the silence, change, rule and source alert, or failed item.")
    since: Millis
    until: Millis | None = Field(default=None, description="None while it holds.")
    text: str = Field(description="The sentence for a person.")
