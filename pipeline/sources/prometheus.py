"""Prometheus remote write 1.0: a WriteRequest in Protocol Buffers, packed with Snappy (block format)."""

from __future__ import annotations

from collections.abc import Mapping
from struct import pack
from typing import Any

import cramjam
from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError
from google.protobuf.message_factory import GetMessageClass

from pipeline.sources.base import Decoded, Refused
from pipeline.sources.common import read_options
from pipeline.sources.labelled import Subjects
from pipeline.sources.native import NO_OPTIONS
from schemas.base import BadRecord
from schemas.event import MetricSample, RawRecord

_DEFAULTS = {
    "resource_labels": "instance,host,hostname,node,nodename,server,pod,service,job,namespace,cluster",
    "component_labels": "device,interface,ifName,ifDescr,mountpoint,volume,disk,container,queue,topic,database,name",
}
COUNTING = ("_total", "_count", "_sum")
"""How the names of counters end, by the conventions of Prometheus."""
LARGEST = 64 * 1024 * 1024
"""Bytes of a payload unpacked; one that claims more is refused before anything is unpacked."""
_STALE = 0x7FF0000000000002
"""The bits of the NaN with which Prometheus says that a series has ended."""
_COUNTER = 1
_FIELD = FieldDescriptorProto


def _messages() -> FileDescriptorProto:
    """As much of the protocol's messages as is read here: name, then (field, number, type or message)."""
    one, many = _FIELD.LABEL_OPTIONAL, _FIELD.LABEL_REPEATED
    messages: dict[str, list[tuple[str, int, int | str, int]]] = {
        "Label": [("name", 1, _FIELD.TYPE_STRING, one), ("value", 2, _FIELD.TYPE_STRING, one)],
        "Sample": [("value", 1, _FIELD.TYPE_DOUBLE, one), ("timestamp", 2, _FIELD.TYPE_INT64, one)],
        "TimeSeries": [("labels", 1, "Label", many), ("samples", 2, "Sample", many)],
        "MetricMetadata": [("type", 1, _FIELD.TYPE_INT32, one), ("metric_family_name", 2, _FIELD.TYPE_STRING, one)],
        "WriteRequest": [("timeseries", 1, "TimeSeries", many), ("metadata", 3, "MetricMetadata", many)],
    }
    file = FileDescriptorProto(name="remote.proto", package="prometheus", syntax="proto3")
    for name, fields in messages.items():
        made = DescriptorProto(name=name)
        for field, number, kind, label in fields:
            added = made.field.add(name=field, number=number)
            added.label = _FIELD.Label.ValueType(label)
            if isinstance(kind, str):
                added.type, added.type_name = _FIELD.TYPE_MESSAGE, f".prometheus.{kind}"
            else:
                added.type = _FIELD.Type.ValueType(kind)
        file.message_type.append(made)
    return file


def _class() -> Any:
    pool = DescriptorPool()
    pool.Add(_messages())
    return GetMessageClass(pool.FindMessageTypeByName("prometheus.WriteRequest"))


WriteRequest: Any = _class()


class Prometheus:
    """Series of any number of samples. Buckets of histograms are left out: what they count is in _count and _sum."""

    def __init__(self, *, tenant: str = "default", options: Mapping[str, str] = NO_OPTIONS) -> None:
        chosen = read_options("prometheus", options, _DEFAULTS)
        self._subjects = Subjects(tenant, chosen, "resource_labels", "component_labels")

    def decode(self, raw: RawRecord) -> Decoded:
        """Decode one write request; the good series are kept although others are refused."""
        request = WriteRequest()
        try:
            request.ParseFromString(unpacked(raw.payload))
        except DecodeError as error:
            raise BadRecord("not-protobuf", str(error)) from None
        counters = {told.metric_family_name for told in request.metadata if told.type == _COUNTER}
        samples: list[MetricSample] = []
        refused: list[Refused] = []
        for series in request.timeseries:
            try:
                samples += self._series(series, counters, raw)
            except BadRecord as error:
                alone = WriteRequest(timeseries=[series]).SerializeToString()
                refused.append(Refused(error, bytes(cramjam.snappy.compress_raw(alone))))
        if not samples and not refused and not len(request.timeseries) and not len(request.metadata):
            raise BadRecord("empty", "a write request without series")
        return Decoded([], samples, refused)

    def _series(self, series: Any, counters: set[str], raw: RawRecord) -> list[MetricSample]:
        labels = {label.name: label.value for label in series.labels if label.name and label.value}
        metric = labels.pop("__name__", "")
        if not metric:
            raise BadRecord("missing-field", "a series without a name")
        if "le" in labels and metric.endswith("_bucket"):
            return []
        subject = self._subjects.of(labels)
        counter = metric.endswith(COUNTING) or metric in counters
        return [
            self._subjects.sample(raw, subject, time=point.timestamp, metric=metric, value=point.value, counter=counter)
            for point in series.samples
            if point.value == point.value or not _ended(point.value)
        ]


def unpacked(payload: bytes) -> bytes:
    """The bytes in a Snappy block; raises BadRecord empty, not-snappy or too-long."""
    if not payload:
        raise BadRecord("empty", "the payload has no content")
    try:
        if (size := cramjam.snappy.decompress_raw_len(payload)) > LARGEST:
            raise BadRecord("too-long", f"{size} bytes unpacked; at most {LARGEST} are taken")
        return bytes(cramjam.snappy.decompress_raw(payload))
    except cramjam.DecompressionError as error:
        raise BadRecord("not-snappy", str(error)) from None


def _ended(value: float) -> bool:
    return int.from_bytes(pack("<d", value), "little") == _STALE
