"""OpenTelemetry metrics (OTLP over HTTP), in JSON or in Protocol Buffers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from pipeline.sources.base import Decoded, Refused
from pipeline.sources.common import as_list, as_object, dump, names_option, parse_json, read_options, text_of
from pipeline.sources.labelled import Subject, Subjects
from pipeline.sources.native import NO_OPTIONS
from pipeline.sources.times import epoch_millis
from schemas.base import BadRecord
from schemas.event import MetricSample, RawRecord

_DEFAULTS = {
    "resource_attributes": "service.name,host.name,k8s.node.name,host.id,container.name",
    "component_attributes": "device,system.device,network.interface.name,mountpoint,system.filesystem.mountpoint,"
    "k8s.pod.name,service.instance.id",
    "kept_attributes": "host.name,service.name,service.namespace,service.instance.id,deployment.environment.name,"
    "k8s.pod.name,k8s.namespace.name,k8s.cluster.name",
}
_KINDS = ("gauge", "sum", "histogram", "exponentialHistogram", "summary")
_CUMULATIVE = (2, "2", "AGGREGATION_TEMPORALITY_CUMULATIVE")
_NANO = 1e-6
_NOTHING = 1
"""The flag of a point that says that there is no value."""
_JSON = (b"{", b"[", b'"')

Point = dict[str, Any]


class Otlp:
    """Export requests. Gauges and sums as they are; of histograms and summaries the count, the sum, the quantiles."""

    def __init__(self, *, tenant: str = "default", options: Mapping[str, str] = NO_OPTIONS) -> None:
        chosen = read_options("otlp", options, _DEFAULTS)
        self._kept = names_option(chosen, "kept_attributes")
        self._named = {*names_option(chosen, "resource_attributes"), *names_option(chosen, "component_attributes")}
        self._subjects = Subjects(tenant, chosen, "resource_attributes", "component_attributes")

    def decode(self, raw: RawRecord) -> Decoded:
        """Decode one export request; the good points are kept although others are refused."""
        body = as_object(_body(raw.payload), "the request")
        if "resourceMetrics" not in body:
            raise BadRecord("missing-field", "resourceMetrics is missing")
        samples: list[MetricSample] = []
        refused: list[Refused] = []
        for group in as_list(body["resourceMetrics"], "resourceMetrics"):
            try:
                self._group(as_object(group, "resourceMetrics"), raw, samples, refused)
            except BadRecord as error:
                refused.append(Refused(error, dump({"resourceMetrics": [group]})))
        return Decoded([], samples, refused)

    def _group(
        self, group: dict[str, Any], raw: RawRecord, samples: list[MetricSample], refused: list[Refused]
    ) -> None:
        """All of one resource. What is wrong with the resource itself is raised, the rest put into `refused`."""
        resource = as_object(group.get("resource", {}), "resource")
        known = _attributes(resource.get("attributes", []))
        scopes = [as_object(scope, "scopeMetrics") for scope in as_list(group.get("scopeMetrics", []), "scopeMetrics")]
        metrics = [metric for scope in scopes for metric in as_list(scope.get("metrics", []), "metrics")]
        for metric in metrics:
            try:
                samples += self._metric(as_object(metric, "the metric"), known, raw, refused, resource)
            except BadRecord as error:
                refused.append(Refused(error, _alone(resource, metric)))

    def _metric(
        self,
        metric: dict[str, Any],
        known: dict[str, str],
        raw: RawRecord,
        refused: list[Refused],
        resource: dict[str, Any],
    ) -> Iterator[MetricSample]:
        kind = next((kind for kind in _KINDS if kind in metric), "")
        if not kind:
            raise BadRecord("unsupported", f"a metric needs one of {', '.join(_KINDS)}")
        data = as_object(metric[kind], kind)
        for point in as_list(data.get("dataPoints", []), "dataPoints"):
            try:
                yield from self._point(metric, kind, data, as_object(point, "the point"), known, raw)
            except BadRecord as error:
                alone = {**metric, kind: {**data, "dataPoints": [point]}}
                refused.append(Refused(error, _alone(resource, alone)))

    def _point(
        self,
        metric: dict[str, Any],
        kind: str,
        data: dict[str, Any],
        point: Point,
        known: dict[str, str],
        raw: RawRecord,
    ) -> list[MetricSample]:
        if _whole(point.get("flags", 0)) & _NOTHING:
            return []
        own = _attributes(point.get("attributes", []))
        named = self._subjects.of(known | own)
        labels = {name: known[name] for name in self._kept if name in known} | own
        subject = Subject(named.resource, named.component, labels)
        stamp = point.get("timeUnixNano", 0)
        time = epoch_millis(stamp, _NANO) if stamp not in (0, "0", "") else raw.received
        made = []
        for suffix, value, counter, more in _values(kind, data, point):
            about = Subject(subject.resource, subject.component, labels | more) if more else subject
            made.append(
                self._subjects.sample(
                    raw,
                    about,
                    time=time,
                    metric=f"{text_of(metric.get('name'))}{suffix}",
                    value=value,
                    unit=text_of(metric.get("unit")) if suffix != ".count" else "",
                    counter=counter,
                )
            )
        return made


def _values(kind: str, data: dict[str, Any], point: Point) -> Iterator[tuple[str, float, bool, dict[str, str]]]:
    """The numbers of a point: what is added to the name, the number, whether it only counts up, labels of its own."""
    cumulative = data.get("aggregationTemporality") in _CUMULATIVE
    if kind in ("gauge", "sum"):
        given = point.get("asDouble", point.get("asInt"))
        if given is None:
            raise BadRecord("missing-field", "asDouble or asInt is missing")
        yield "", _number(given), kind == "sum" and cumulative and data.get("isMonotonic") is True, {}
        return
    counter = cumulative or kind == "summary"
    yield ".count", _number(point.get("count", 0)), counter, {}
    if "sum" in point:
        yield ".sum", _number(point["sum"]), counter, {}
    for quantile in as_list(point.get("quantileValues", []), "quantileValues"):
        told = as_object(quantile, "the quantile")
        yield "", _number(told.get("value", 0)), False, {"quantile": text_of(told.get("quantile", 0))}


def _body(payload: bytes) -> object:
    """The request as JSON has it, whichever way it is written."""
    if not payload.strip():
        raise BadRecord("empty", "the payload has no content")
    if payload.lstrip()[:1] in _JSON:
        return parse_json(payload)
    request = ExportMetricsServiceRequest()
    try:
        request.ParseFromString(payload)
    except DecodeError as error:
        raise BadRecord("not-protobuf", str(error)) from None
    return MessageToDict(request)


def _attributes(given: object) -> dict[str, str]:
    """Attributes as labels; empty ones are left out."""
    found = {}
    for one in as_list(given, "attributes"):
        pair = as_object(one, "the attribute")
        value = as_object(pair.get("value", {}), "the value")
        if (key := text_of(pair.get("key"))) and (text := text_of(next(iter(value.values()), None))):
            found[key] = text
    return found


def _number(given: object) -> float:
    """A number as JSON has it: whole ones, and those that are none, are text."""
    try:
        if isinstance(given, str | int | float) and not isinstance(given, bool):
            return float(given)
    except (ValueError, OverflowError):
        pass
    raise BadRecord("bad-value", f"not a number: {str(given)[:80]!r}")


def _whole(given: object) -> int:
    return given if isinstance(given, int) else 0


def _alone(resource: object, metric: object) -> bytes:
    """A refused metric as a request of its own."""
    return dump({"resourceMetrics": [{"resource": resource, "scopeMetrics": [{"metrics": [metric]}]}]})
