"""How an installation reaches Elasticsearch, and how it writes there."""

from __future__ import annotations

from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from pipeline.settings import Span
from schemas.base import SECOND, Record

KIB = 1024
MIB = 1024 * KIB
DEEP = 4
"""A full round is so many times what may be under way at once: so its end, where requests run out, is seldom."""
NodeUrl = Annotated[str, Field(pattern=r"^https?://[^/@]+$")]


class ElasticsearchOutput(Record):
    """Everything that happens, and its current state, in Elasticsearch."""

    type: Literal["elasticsearch"] = Field(description="Elasticsearch 8 or 9.")
    nodes: tuple[NodeUrl, ...] = Field(
        default=("http://localhost:9200",), min_length=1, description="Nodes, as https://host:port; all are used."
    )
    prefix: str = Field(
        default="tocsin",
        pattern=r"^[a-z][a-z0-9_]{0,49}$",
        description="The names of all indices begin so, where a cluster is shared.",
    )
    api_key_file: str = Field(default="", description="File with an API key (the encoded one).")
    username: str = Field(default="", description="User, where there is no API key.")
    password_file: str = Field(default="", description="File with the user's password.")
    ca_file: str = Field(default="", description="Certificates to trust, PEM; empty: those of the system.")
    certificate_file: str = Field(default="", description="Our own certificate, PEM, where nodes ask for one.")
    key_file: str = Field(default="", description="Its key, PEM; empty: it is in `certificate_file`.")
    compress: bool = Field(default=False, description="Requests are compressed: for a slow line, at a price in CPU.")
    timeout: Span = Field(default=30 * SECOND, ge=100, description="A request that takes longer has failed.")
    bulk_documents: int = Field(default=1000, ge=1, le=50_000, description="Documents in one request at most.")
    bulk_bytes: int = Field(default=4 * MIB, ge=KIB, le=90 * MIB, description="Bytes in one request at most.")
    document_bytes: int = Field(
        default=16 * MIB, ge=KIB, le=90 * MIB, description="A document larger than this is a dead letter."
    )
    requests: int = Field(default=2, ge=1, le=16, description="Requests under way at the same time at most.")
    wait: Span = Field(default=1 * SECOND, description="Something new waits at most about this long for more.")
    slowest: Span = Field(default=60 * SECOND, ge=100, description="Longest wait between two tries.")
    setup: bool = Field(
        default=True, description="Templates and missing indices are made at the start; else `tocsin index setup` does."
    )
    events: bool = Field(default=True, description="Whether each event is written too, or only what became of it.")
    retention: dict[str, Span] = Field(
        default_factory=dict, description="For how long data streams keep documents, where it differs; whole days."
    )

    @model_validator(mode="after")
    def _one_way_in(self) -> Self:
        if self.api_key_file and self.username:
            raise ValueError("give api_key_file or username, not both")
        if bool(self.username) != bool(self.password_file):
            raise ValueError("username and password_file go together")
        if self.key_file and not self.certificate_file:
            raise ValueError("key_file needs certificate_file")
        schemes = {urlsplit(node).scheme for node in self.nodes}
        if self.ca_file and "http" in schemes:
            raise ValueError("ca_file needs nodes with https")
        return self

    @property
    def round_documents(self) -> int:
        """Documents that are read before any of them counts as written."""
        return DEEP * self.requests * self.bulk_documents

    @property
    def round_bytes(self) -> int:
        """Bytes of documents that are read so; two rounds are held: one is read while the other is written."""
        return DEEP * self.requests * self.bulk_bytes

    def name(self, target: str) -> str:
        """The name of a data stream or an alias."""
        return f"{self.prefix}-{target}"
