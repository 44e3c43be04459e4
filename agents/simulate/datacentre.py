"""The data centre: two sites, from the machine room to the business indicators, with what needs what."""

from __future__ import annotations

from typing import NamedTuple

from schemas.reference import ConfigurationItem, Relation, RelationKind

SITES = ("north", "south")
RACKS = 4
HYPERVISORS = 3
GUESTS = 7
SERVICES = (
    "shop", "payments", "search", "accounts", "stock", "billing", "reports", "intranet",
    "orders", "partners", "tracking", "support", "loyalty", "catalogue", "invoices", "planning",
)  # fmt: skip

NEEDS = RelationKind.DEPENDS_ON


class Centre(NamedTuple):
    """Items by id, and relations."""

    items: dict[str, ConfigurationItem]
    relations: tuple[Relation, ...]

    def needed_by(self) -> dict[str, list[str]]:
        """Direct dependants of every item, sorted."""
        found: dict[str, list[str]] = {item: [] for item in self.items}
        for relation in self.relations:
            found[relation.target].append(relation.source)
        return {item: sorted(sources) for item, sources in found.items()}

    def of_kind(self, *kinds: str) -> list[str]:
        """Ids of all items of some kinds, sorted."""
        return sorted(item.id for item in self.items.values() if item.kind in kinds)


class _Plan:
    def __init__(self) -> None:
        self.items: dict[str, ConfigurationItem] = {}
        self.relations: list[Relation] = []

    def item(self, identity: str, kind: str, site: str, criticality: int = 3) -> str:
        number = len(self.items) + 1
        self.items[identity] = ConfigurationItem(
            id=identity,
            name=identity,
            kind=kind,
            site=site,
            addresses=(f"10.{1 + number // 250}.{number % 250 // 16}.{number % 250}",),
            aliases=(f"{identity}.{site}.example.net",) if site else (),
            criticality=criticality,
            owner=OWNERS[kind],
            supplier=f"supplier of {kind}",
        )
        return identity

    def needs(self, source: str, target: str, kind: RelationKind = NEEDS) -> None:
        self.relations.append(Relation(source=source, target=target, kind=kind))


OWNERS = {
    "ups": "facilities", "crac": "facilities", "pdu": "facilities", "core": "network", "switch": "network",
    "firewall": "security", "balancer": "network", "storage": "storage", "hypervisor": "platform", "host": "platform",
    "database": "databases", "queue": "middleware", "application": "applications", "web": "applications",
    "mail": "platform", "dns": "network", "service": "service desk", "indicator": "business",
}  # fmt: skip


def build() -> Centre:
    """The same data centre every time; only what happens in it depends on the seed."""
    plan = _Plan()
    guests = {site: _site(plan, site) for site in SITES}
    for number, service in enumerate(SERVICES):
        site = SITES[number % 2]
        _service(plan, service, site, [guests[site].pop(0) for _ in range(4)], 1 + number // 4)
    for site in SITES:
        for kind in ("dns", "mail"):
            name = plan.item(f"{kind}-{site}", kind, site, 2)
            plan.needs(name, guests[site].pop(0), RelationKind.RUNS_ON)
    for number, service in enumerate(SERVICES):
        plan.needs(f"{service}-app", f"dns-{SITES[number % 2]}")
    return Centre(plan.items, tuple(plan.relations))


def _site(plan: _Plan, site: str) -> list[str]:
    """Machine room, network, storage and hosts of a site. Returns the free guests, spread over the racks."""
    core = plan.item(f"core-{site}", "core", site, 1)
    for name, kind in (("fw", "firewall"), ("lb", "balancer"), ("san", "storage")):
        plan.needs(plan.item(f"{name}-{site}", kind, site, 1), core, RelationKind.CONNECTS_TO)
    for half in (1, 2):
        plan.item(f"ups-{site}-{half}", "ups", site, 1)
        plan.item(f"crac-{site}-{half}", "crac", site, 2)
    guests: list[list[str]] = []
    for rack in range(1, RACKS + 1):
        half = 1 + (rack - 1) // 2
        pdu = plan.item(f"pdu-{site}-{rack}", "pdu", site, 2)
        plan.needs(pdu, f"ups-{site}-{half}", RelationKind.POWERED_BY)
        switch = plan.item(f"sw-{site}-{rack}", "switch", site, 2)
        plan.needs(switch, core, RelationKind.CONNECTS_TO)
        for number in range(1, HYPERVISORS + 1):
            hypervisor = plan.item(f"hv-{site}-{rack}{number}", "hypervisor", site, 2)
            plan.needs(hypervisor, pdu, RelationKind.POWERED_BY)
            plan.needs(hypervisor, switch, RelationKind.CONNECTS_TO)
            plan.needs(hypervisor, f"crac-{site}-{half}", RelationKind.COOLED_BY)
            own = [plan.item(f"vm-{site}-{rack}{number}{guest}", "host", site) for guest in range(1, GUESTS + 1)]
            for guest in own:
                plan.needs(guest, hypervisor, RelationKind.RUNS_ON)
            guests.append(own)
    return [guest for row in zip(*guests, strict=True) for guest in row]


def _service(plan: _Plan, name: str, site: str, hosts: list[str], criticality: int) -> None:
    database = plan.item(f"{name}-db", "database", site, 2)
    queue = plan.item(f"{name}-mq", "queue", site)
    app = plan.item(f"{name}-app", "application", site, 2)
    web = plan.item(f"{name}-web", "web", site, 2)
    service = plan.item(f"svc-{name}", "service", site, criticality)
    indicator = plan.item(f"kpi-{name}", "indicator", site, 4)
    for item, host in zip((database, queue, app, web), hosts, strict=True):
        plan.needs(item, host, RelationKind.RUNS_ON)
    plan.needs(database, f"san-{site}")
    plan.needs(app, database)
    plan.needs(app, queue)
    plan.needs(web, app)
    plan.needs(web, f"lb-{site}")
    plan.needs(service, web)
    plan.needs(service, f"fw-{site}")
    plan.needs(indicator, service)
