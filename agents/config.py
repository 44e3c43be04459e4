"""The configuration file of an installation, as a model. `agents.loader` reads it and words its errors."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from agents.index.settings import ElasticsearchOutput
from agents.stream.settings import KafkaSettings
from pipeline.practices.notify import NotifyTiming
from pipeline.settings import FlowSettings, Span
from schemas.base import HOUR, SECOND, Name, Record

Port = Annotated[int, Field(ge=0, le=65535, description="0 lets the system choose one.")]


class FileInput(Record):
    """A file, replayed once from its beginning, or followed as it grows."""

    type: Literal["file"] = Field(description="A file or standard input.")
    path: Name = Field(description="'-' is standard input.")
    source: str = Field(default="", description="Source of every line; empty: the file is a recording that names it.")
    follow: bool = Field(default=False, description="Wait for more at its end, as it grows or is replaced.")


class SyslogInput(Record):
    """Syslog over UDP or TCP (RFC 6587 framing)."""

    type: Literal["syslog"] = Field(description="Syslog over the network.")
    protocol: Literal["udp", "tcp"] = Field(default="udp", description="TCP loses nothing when it gets busy.")
    host: str = Field(default="127.0.0.1", description="Address to listen on; 0.0.0.0 is all of them.")
    port: Port = 5514
    source: str = Field(default="syslog", description="Source that reads the messages.")


class HttpInput(Record):
    """HTTP: POST /v1/events/{source}, /api/v2/alerts; health, readiness and metrics beside them."""

    type: Literal["http"] = Field(description="The HTTP interface.")
    host: str = Field(default="127.0.0.1", description="Address to listen on; 0.0.0.0 is all of them.")
    port: Port = 9095
    token_file: str = Field(
        default="",
        description="File of tokens: a line each, name roles token. Empty: commands are taken from this machine only.",
    )
    max_body: int = Field(default=8 * 1024 * 1024, ge=1024, description="Bytes; a larger body is refused with 413.")


Input = Annotated[FileInput | SyslogInput | HttpInput, Field(discriminator="type")]


OutputFormat = Annotated[
    Literal["tocsin", "alertmanager", "service-levels"],
    Field(
        description="The incident as it is, Alertmanager's webhook (version 4), or no incidents, but a notice whenever"
        " a service-level clock has come to 75 % or 100 %."
    ),
]
Grouped = Annotated[
    bool | None,
    Field(
        description="Changes are gathered, as Alertmanager does, or each version is told. Without it: gathered for"
        " format alertmanager, each version for tocsin. Notices of service levels are never gathered."
    ),
]


class JsonLinesOutput(Record):
    """Incident changes as JSON lines, appended to a file or written to standard output ('-')."""

    type: Literal["jsonl"] = Field(description="JSON lines.")
    path: Name = Field(description="'-' is standard output.")
    format: OutputFormat = "tocsin"
    grouped: Grouped = None
    timing: NotifyTiming = Field(default=NotifyTiming(), description="Where changes are gathered: for how long.")


class WebhookOutput(Record):
    """Incident changes by POST, with retry; body signed with HMAC-SHA256 where a secret file is given."""

    type: Literal["webhook"] = Field(description="A POST for each change.")
    url: Name = Field(description="http or https.")
    format: OutputFormat = "tocsin"
    grouped: Grouped = None
    timing: NotifyTiming = Field(default=NotifyTiming(), description="Where changes are gathered: for how long.")
    secret_file: str = Field(default="", description="File with the secret that signs the body; empty: unsigned.")
    timeout: Span = Field(
        default=10 * SECOND, description="A request that takes longer has failed, and is tried again."
    )
    give_up: Span = Field(default=24 * HOUR, description="After this long a delivery ends as a dead letter.")


OutputTarget = Annotated[JsonLinesOutput | WebhookOutput | ElasticsearchOutput, Field(discriminator="type")]


class StoreSettings(Record):
    """The embedded store."""

    path: Name = Field(default="tocsin.db", description="The SQLite file; made where it is missing.")
    keep_raw: Span = Field(default=24 * HOUR, description="How long raw payloads are kept after they were handled.")
    checkpoint_every: int = Field(default=2000, ge=1, description="Inputs between two checkpoints.")
    checkpoint_after: Span = Field(default=1 * SECOND, description="And at the latest after this long.")


class SourceSettings(Record):
    """Options of one source; `mapping` makes it a mapped source."""

    mapping: str = Field(default="", description="Path of a mapping file.")
    tenant: Name = Field(default="default", description="Tenant of its events.")
    options: dict[str, str] = Field(default_factory=dict, description="What its page in docs/sources/ names.")


class Config(Record):
    """All of an installation."""

    flow: FlowSettings = Field(default=FlowSettings(), description="What counts as what")
    inputs: tuple[Input, ...] = Field(default=(), description="Where payloads come from, any number at once.")
    outputs: tuple[OutputTarget, ...] = Field(default=(), description="Who is told of what happens.")
    store: StoreSettings = Field(default=StoreSettings(), description="Where everything is kept.")
    kafka: KafkaSettings = Field(default=KafkaSettings(), description="Kafka, where the flow runs on it.")
    sources: dict[str, SourceSettings] = Field(
        default_factory=dict, description="Extra sources by mapping, and options of built-in ones, by name."
    )
    reference: tuple[str, ...] = Field(
        default=(), description="Files of items, relations, changes, ... (CSV, JSON, YAML)."
    )
