"""Reference data in force: what was put, in the state, and given to the stages that use it."""

from __future__ import annotations

from typing import Any

from pipeline.settings import FlowSettings
from pipeline.stages.enrich import Inventory, relation_key
from pipeline.stages.scope import Scope
from pipeline.state import Table
from schemas.base import ConfigError, Record
from schemas.reference import (
    Calendar,
    Change,
    ConfigurationItem,
    CorrelationRule,
    InhibitionRule,
    Relation,
    Silence,
)

TYPES: dict[str, type[Record]] = {
    "item": ConfigurationItem,
    "relation": Relation,
    "change": Change,
    "silence": Silence,
    "inhibition": InhibitionRule,
    "rule": CorrelationRule,
    "calendar": Calendar,
}
NAMES = {kind: name for name, kind in TYPES.items()}


def reference_key(record: Record) -> str:
    """Key of a record of reference data among all of them."""
    identity = relation_key(record) if isinstance(record, Relation) else str(getattr(record, "id", ""))
    return f"{NAMES[type(record)]}:{identity}"


class ReferenceData:
    """The table of what was put (with the time from which it holds), and its way into the stages."""

    def __init__(self, inventory: Inventory, scope: Scope) -> None:
        self._inventory = inventory
        self._scope = scope
        self.table: Table[list[Any]] = Table("reference", lambda value: value, lambda _, value: value)

    def put(self, record: Record, at: int) -> None:
        """Insert or replace a record of one of the TYPES, in force from `at` on."""
        key = reference_key(record)
        value = record.model_dump(mode="json")
        old = self.table.get(key)
        if old is None or old[1] != value:
            self.table[key] = [at, value]
            self._apply(record, at)

    def differs(self, record: Record) -> bool:
        """Whether a record is new or other than the one in force."""
        old = self.table.get(reference_key(record))
        return old is None or old[1] != record.model_dump(mode="json")

    def put_settings(self, settings: FlowSettings) -> None:
        """What the configuration itself holds; not in the state, for it comes back with the configuration."""
        for record in (*settings.silences, *settings.inhibitions, *settings.changes):
            self._apply(record, 0)

    def remove(self, kind: str, identity: str) -> bool:
        """Take a silence out of force. False where there is none of that name."""
        key = f"{kind}:{identity}"
        if key not in self.table:
            return False
        if kind != "silence":
            raise ConfigError(f"only silences can be deleted while running; change the reference file for {kind}")
        del self.table[key]
        self._scope.suppressor.remove_silence(identity)
        return True

    def _apply(self, record: Record, at: int) -> None:
        if isinstance(record, ConfigurationItem):
            self._inventory.put_item(record)
        elif isinstance(record, Relation):
            self._inventory.put_relation(record)
        elif isinstance(record, Change):
            self._scope.suppressor.put_change(record, at)
            self._scope.graph.put_change(record)
        elif isinstance(record, Silence):
            self._scope.suppressor.put_silence(record, at)
        elif isinstance(record, InhibitionRule):
            self._scope.put_inhibition(record, at)
        elif isinstance(record, CorrelationRule):
            self._scope.graph.put_rule(record)

    def resume(self) -> None:
        """After a restore: give everything to the stages again."""
        for key in sorted(self.table):
            at, value = self.table[key]
            record = TYPES[key.partition(":")[0]].model_validate(value)
            if isinstance(record, InhibitionRule):  # nothing is judged again: what was decided is in the state
                self._scope.suppressor.put_inhibition(record, at)
            else:
                self._apply(record, at)
