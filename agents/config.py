"""The configuration file of an installation, as a model. `agents.loader` reads it and words its errors."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from pipeline.settings import FlowSettings, Span
from schemas.base import HOUR, SECOND, Name, Record

Port = Annotated[int, Field(ge=0, le=65535, description="0 lets the system choose one.")]


class FileInput(Record):
    """A file, replayed once from its beginning, or followed as it grows."""

    type: Literal["file"]
    path: Name = Field(description="'-' is standard input.")
    source: str = Field(default="", description="Source of every line; empty: the file is a recording that names it.")
    follow: bool = False


class SyslogInput(Record):
    """Syslog over UDP or TCP (RFC 6587 framing)."""

    type: Literal["syslog"]
    protocol: Literal["udp", "tcp"] = "udp"
    host: str = "127.0.0.1"
    port: Port = 5514
    source: str = "syslog"


class HttpInput(Record):
    """HTTP: POST /v1/events/{source}, /api/v2/alerts; health, readiness and metrics beside them."""

    type: Literal["http"]
    host: str = "127.0.0.1"
    port: Port = 9095
    max_body: int = Field(default=8 * 1024 * 1024, ge=1024, description="Bytes; a larger body is refused with 413.")


Input = Annotated[FileInput | SyslogInput | HttpInput, Field(discriminator="type")]


class JsonLinesOutput(Record):
    """Incident changes as JSON lines, appended to a file or written to standard output ('-')."""

    type: Literal["jsonl"]
    path: Name


class WebhookOutput(Record):
    """Incident changes by POST, with retry; body signed with HMAC-SHA256 where a secret file is given."""

    type: Literal["webhook"]
    url: Name
    format: Literal["tocsin", "alertmanager"] = "tocsin"
    secret_file: str = ""
    timeout: Span = 10 * SECOND
    give_up: Span = Field(default=24 * HOUR, description="After this long a delivery ends as a dead letter.")


OutputTarget = Annotated[JsonLinesOutput | WebhookOutput, Field(discriminator="type")]


class StoreSettings(Record):
    """The embedded store."""

    path: Name = "tocsin.db"
    keep_raw: Span = Field(default=24 * HOUR, description="How long raw payloads are kept after they were handled.")
    checkpoint_every: int = Field(default=2000, ge=1, description="Inputs between two checkpoints.")
    checkpoint_after: Span = Field(default=1 * SECOND, description="And at the latest after this long.")


class SourceSettings(Record):
    """Options of one source; `mapping` makes it a mapped source."""

    mapping: str = Field(default="", description="Path of a mapping file.")
    tenant: Name = "default"
    options: dict[str, str] = Field(default_factory=dict)


class Config(Record):
    """All of an installation."""

    flow: FlowSettings = FlowSettings()
    inputs: tuple[Input, ...] = ()
    outputs: tuple[OutputTarget, ...] = ()
    store: StoreSettings = StoreSettings()
    sources: dict[str, SourceSettings] = Field(default_factory=dict, description="Extra sources and options of built-in ones.")
    reference: tuple[str, ...] = Field(default=(), description="Files of items, relations, changes, ... (CSV, JSON, YAML).")
