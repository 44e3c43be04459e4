"""What a flow returns: records for the host to store, send or show. The flow itself performs nothing."""

from __future__ import annotations

from schemas.alert import Alert, AlertTransition, LedgerEntry, Placement
from schemas.command import AuditEntry, Reply
from schemas.incident import Incident, ServiceLevelNotice
from schemas.rates import Rates

Output = AlertTransition | Alert | Placement | Incident | ServiceLevelNotice | LedgerEntry | Rates | Reply | AuditEntry
