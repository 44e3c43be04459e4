"""All sources by name. A new one is a file beside this one, a line here, and a page in docs/sources/."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from pipeline.sources.alertmanager import Alertmanager
from pipeline.sources.base import Source
from pipeline.sources.cloudevents import CloudEvents
from pipeline.sources.influx import Influx
from pipeline.sources.nagios import Nagios
from pipeline.sources.native import NO_OPTIONS, Native
from pipeline.sources.otlp import Otlp
from pipeline.sources.person import Person
from pipeline.sources.prometheus import Prometheus
from pipeline.sources.snmptrap import Snmptrap
from pipeline.sources.syslog import Syslog
from pipeline.sources.zabbix import Zabbix
from schemas.base import ConfigError


class Factory(Protocol):
    """What every source class can be called as."""

    def __call__(self, *, tenant: str = "default", options: Mapping[str, str] = NO_OPTIONS) -> Source:
        """A source; raises ConfigError on an unknown option or a wrong value of one."""
        ...


SOURCES: dict[str, Factory] = {
    "alertmanager": Alertmanager,
    "cloudevents": CloudEvents,
    "influx": Influx,
    "nagios": Nagios,
    "native": Native,
    "otlp": Otlp,
    "person": Person,
    "prometheus": Prometheus,
    "snmptrap": Snmptrap,
    "syslog": Syslog,
    "zabbix": Zabbix,
}
"""Name in configuration, topic and URL to the class. Mapped sources are added by their mapping files; see mapped.py."""


def make_source(name: str, *, tenant: str = "default", options: Mapping[str, str] = NO_OPTIONS) -> Source:
    """The source of this name; raises ConfigError on an unknown name or option."""
    factory = SOURCES.get(name)
    if factory is None:
        raise ConfigError(f"unknown source {name!r}; allowed: {', '.join(SOURCES)}, or one with a mapping file")
    return factory(tenant=tenant, options=options)
