"""Enrich: binds alerts to configuration items and knows what depends on what."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from schemas.reference import ConfigurationItem, Relation, RelationKind

ADDRESS_LABELS = ("instance", "host", "hostname", "node", "address", "ip", "service", "job")
"""Labels that may name the item where the resource itself does not."""
SERVICE_KINDS = frozenset({"service", "business-service", "business_service"})

CARRYING = frozenset({RelationKind.RUNS_ON, RelationKind.PART_OF})
"""What is taken away with the thing at the other end."""
NO_FACTS: dict[str, str] = {}
PART = re.compile(r"[^\W\d_]{3,}")
"""A part of a name that could mean something: letters."""
PART_SHARE = 0.03
"""A part of a name is rare that at most this share of the items bear."""


class Above(NamedTuple):
    """One thing that an item needs, directly or through others."""

    item: str
    distance: int
    branch: str
    """The direct dependant of `item` on the way."""


class Inventory:
    """Items and relations in force. Derived views are cached until either changes."""

    def __init__(self, hops: int) -> None:
        self.hops = hops
        self.items: dict[str, ConfigurationItem] = {}
        self.relations: dict[str, Relation] = {}
        self._needs: dict[str, dict[str, str]] = {}
        self._needed_by: dict[str, dict[str, str]] = {}
        self._names: dict[tuple[str, str], str] = {}
        self._above: dict[str, tuple[Above, ...]] = {}
        self._services: dict[str, tuple[str, ...]] = {}
        self._carriers: dict[str, tuple[str, ...]] = {}
        self._facts: dict[str, dict[str, str]] = {}
        self._bearers: dict[tuple[str, str], set[str]] = {}
        self._parts: dict[str, tuple[str, ...]] = {}

    def put_item(self, item: ConfigurationItem) -> None:
        """Insert or replace an item."""
        old = self.items.get(item.id)
        if old is not None:
            for name in self._all_names(old):
                self._names.pop((old.tenant, name), None)
            for part in _parts(old):
                self._bearers[old.tenant, part].discard(old.id)
        self.items[item.id] = item
        self._facts[item.id] = {"item": item.id, "kind": item.kind, "site": item.site, "owner": item.owner}
        for name in self._all_names(item):
            self._names.setdefault((item.tenant, name), item.id)
        for part in _parts(item):
            self._bearers.setdefault((item.tenant, part), set()).add(item.id)
        self._parts.clear()
        self._services.clear()

    def put_relation(self, relation: Relation) -> None:
        """Insert or replace a relation."""
        self.relations[relation_key(relation)] = relation
        self._needs.setdefault(relation.source, {})[relation.target] = relation.group
        self._needed_by.setdefault(relation.target, {})[relation.source] = relation.group
        self._above.clear()
        self._carriers.clear()
        self._services.clear()

    @staticmethod
    def _all_names(item: ConfigurationItem) -> list[str]:
        names = (item.id, item.name, *item.aliases, *item.addresses)
        return [name.lower() for name in names if name]

    def find(self, tenant: str, resource: str, component: str, labels: Mapping[str, str]) -> str | None:
        """The item that an alert is about: by its component, its resource, the short name, then by address labels."""
        known = self._names
        if not known:
            return None
        host = resource.lower()
        if component:
            part = component.lower()
            for name in (f"{host}/{part}", f"{host}:{part}"):
                if (tenant, name) in known:
                    return known[tenant, name]
        for name in _forms(host):
            if (tenant, name) in known:
                return known[tenant, name]
        for label in ADDRESS_LABELS:
            value = labels.get(label)
            if value:
                for name in _forms(value.lower()):
                    if (tenant, name) in known:
                        return known[tenant, name]
        return None

    def name(self, item: str) -> str:
        """What people call an item; its id where it is not known."""
        known = self.items.get(item)
        return item if known is None else known.name

    def facts(self, item: str | None) -> dict[str, str]:
        """What an item adds to the labels of what is about it: item, kind, site, owner. Shared: not to be changed."""
        return NO_FACTS if item is None else self._facts.get(item, NO_FACTS)

    def rare_parts(self, item: str) -> tuple[str, ...]:
        """Parts of an item's name that few other items bear, of more than one kind: what they do together."""
        found = self._parts.get(item)
        if found is None:
            known = self.items[item]
            most = PART_SHARE * len(self.items)
            rare = []
            for part in sorted(_parts(known)):
                bearers = self._bearers[known.tenant, part]
                if 1 < len(bearers) <= most and len({self.items[bearer].kind for bearer in bearers}) > 1:
                    rare.append(part)
            found = self._parts[item] = tuple(rare)
        return found

    def above(self, item: str) -> tuple[Above, ...]:
        """Everything that `item` needs within the hops, nearest first, each once."""
        found = self._above.get(item)
        if found is None:
            found = self._above[item] = tuple(self._walk_up(item))
        return found

    def _walk_up(self, item: str) -> Iterable[Above]:
        seen = {item}
        queue = deque([(item, 0)])
        while queue:
            here, distance = queue.popleft()
            if distance == self.hops:
                continue
            for target in sorted(self._needs.get(here, ())):
                if target not in seen:
                    seen.add(target)
                    queue.append((target, distance + 1))
                    yield Above(target, distance + 1, here)

    def carriers(self, item: str) -> tuple[str, ...]:
        """The item itself, all that it runs on or is part of, and so on up: what is taken away takes it away."""
        found = self._carriers.get(item)
        if found is None:
            ways = [item]
            for here in ways:  # grows while it is walked
                ways.extend(
                    target
                    for target in self._needs.get(here, ())
                    if target not in ways and self.kind(here, target) in CARRYING
                )
            found = self._carriers[item] = tuple(ways)
        return found

    def needed_by(self, item: str) -> Mapping[str, str]:
        """Direct dependants and the redundancy group of each relation."""
        return self._needed_by.get(item, {})

    def needs(self, item: str) -> Mapping[str, str]:
        """Direct needs and the redundancy group of each relation."""
        return self._needs.get(item, {})

    def kind(self, source: str, target: str) -> RelationKind | None:
        """Kind of the relation between two items."""
        relation = self.relations.get(f"{source}\x1f{target}")
        return None if relation is None else relation.kind

    def services(self, item: str) -> tuple[str, ...]:
        """Services that depend on the item, or that it is itself, sorted."""
        found = self._services.get(item)
        if found is None:
            seen, queue, services = {item}, deque([item]), []
            while queue:
                here = queue.popleft()
                if here in self.items and self.items[here].kind in SERVICE_KINDS:
                    services.append(here)
                for source in self._needed_by.get(here, ()):
                    if source not in seen:
                        seen.add(source)
                        queue.append(source)
            found = self._services[item] = tuple(sorted(services))
        return found


def relation_key(relation: Relation) -> str:
    """Key of a relation: its two ends."""
    return f"{relation.source}\x1f{relation.target}"


def _parts(item: ConfigurationItem) -> set[str]:
    return set(PART.findall(item.name.lower()))


def _forms(name: str) -> Iterable[str]:
    yield name
    bare = name.rsplit(":", 1)[0] if name.count(":") == 1 else name
    if bare != name:
        yield bare
    short = bare.split(".", 1)[0]
    if short != bare and not short.isdigit():
        yield short
