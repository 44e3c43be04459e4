"""Samples whose subject is told by labels: which of them name the resource and its part."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from pydantic import ValidationError

from pipeline.sources.alertmanager import without_port
from pipeline.sources.common import names_option, refusal
from schemas.base import BadRecord
from schemas.event import MetricSample, RawRecord

_sample: Callable[[dict[str, Any]], MetricSample] = MetricSample.__pydantic_validator__.validate_python


class Subject(NamedTuple):
    """What a series is about. The labels are all of them, those that name resource and component too."""

    resource: str
    component: str
    labels: dict[str, str]


class Subjects:
    """The first of some labels is the resource (without a port), the first of others its component."""

    def __init__(self, tenant: str, options: Mapping[str, str], resource: str, component: str) -> None:
        """`options[resource]` and `options[component]` are lists of labels, by commas."""
        self._tenant = tenant
        self._option = resource
        self._resource = names_option(options, resource)
        self._component = names_option(options, component)

    def of(self, labels: dict[str, str]) -> Subject:
        """The subject that labels tell; raises BadRecord missing-field where no resource is among them."""
        named = next((labels[name] for name in self._resource if labels.get(name)), "")
        if not named:
            wanted = ", ".join(self._resource)
            raise BadRecord("missing-field", f"no label names the resource: option {self._option} has {wanted}")
        component = next((labels[name] for name in self._component if labels.get(name)), "")
        return Subject(without_port(named), component, labels)

    def sample(self, raw: RawRecord, subject: Subject, **fields: Any) -> MetricSample:
        """One sample: `metric`, `value`, and what else there is to say; raises BadRecord."""
        given: dict[str, Any] = {
            "time": raw.received,
            "received": raw.received,
            "source": raw.source,
            "tenant": self._tenant,
            "resource": subject.resource,
            "component": subject.component,
            "labels": subject.labels,
        }
        given.update(fields)
        try:
            return _sample(given)
        except ValidationError as error:
            raise refusal(error) from None
