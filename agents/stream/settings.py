"""What the configuration says about Kafka: where it is, how to get in, and what is special about its topics."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from pipeline.settings import Span
from schemas.base import SECOND, Name, Record

Partitions = Annotated[int, Field(ge=1, le=100_000)]


class TlsSettings(Record):
    """TLS to the brokers."""

    ca_file: str = Field(default="", description="Certificates to trust, PEM; empty: those of the system.")
    certificate_file: str = Field(default="", description="Our own certificate, PEM, where brokers ask for one.")
    key_file: str = Field(default="", description="Its key, PEM; empty: it is in `certificate_file`.")
    key_password_file: str = Field(default="", description="File with the password of the key.")
    check_hostname: bool = Field(default=True, description="Whether a broker's certificate must name its host.")


class SaslSettings(Record):
    """Who we are to the brokers."""

    mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        default="SCRAM-SHA-512", description="PLAIN is only safe inside TLS."
    )
    username: Name = Field(description="The name of the user.")
    password_file: Name = Field(description="File with the password.")


class IngestSettings(Record):
    """The hop from raw payloads to packed events."""

    pack: int = Field(default=2000, ge=1, le=10_000, description="Events in one message at most.")
    linger: Span = Field(default=50, description="An event waits at most this long for others to be packed with it.")
    clock: bool = Field(
        default=True,
        description="A partition read to its end is as far as the clock; false for a replay: only events move time.",
    )


class KafkaSettings(Record):
    """Kafka: needed by `tocsin worker` and `tocsin topics`, not by `tocsin run`."""

    bootstrap_servers: tuple[Name, ...] = Field(
        default=("localhost:9092",), min_length=1, description="Brokers to ask first, as host:port."
    )
    tls: TlsSettings | None = Field(default=None, description="TLS to the brokers; without it none.")
    sasl: SaslSettings | None = Field(default=None, description="Who we are to the brokers; without it nobody.")
    prefix: str = Field(
        default="",
        pattern=r"^[A-Za-z0-9._-]{0,100}$",
        description="Put before the name of each topic and group, where a cluster is shared.",
    )
    replication: int = Field(default=-1, ge=-1, le=100, description="Copies of each partition; -1: as the brokers say.")
    partitions: dict[str, Partitions] = Field(
        default_factory=dict, description="Partitions of topics, by name, where they differ from the declared ones."
    )
    retention: dict[str, Span] = Field(
        default_factory=dict,
        description="How long topics keep messages, by name, where it differs; 0: for ever; raw.{source}: all of them.",
    )
    ingest: IngestSettings = IngestSettings()
    checkpoint: Span = Field(
        default=5_000,
        ge=100,
        description="A worker keeps its state this often, a busy one up to four times less; the rest is read again.",
    )
    checkpoint_models: Span = Field(
        default=60 * SECOND,
        ge=100,
        description="The same for the models of metrics, of which nearly all is written each time: 4 KB a series.",
    )
    session: Span = Field(
        default=10 * SECOND, description="A worker not heard of for this long loses its partitions to others."
    )

    @model_validator(mode="after")
    def _addresses(self) -> Self:
        for address in self.bootstrap_servers:
            host, _, port = address.rpartition(":")
            if not host or not port.isdecimal() or not 0 < int(port) < 65536:
                raise ValueError(f"bootstrap_servers: {address!r} is not like kafka1:9092")
        return self

    @property
    def address(self) -> str:
        """The bootstrap servers as one text."""
        return ",".join(self.bootstrap_servers)

    @property
    def protocol(self) -> str:
        """Kafka's name for how we get in."""
        return f"{'SASL_' if self.sasl else ''}{'SSL' if self.tls else 'PLAINTEXT'}"

    def topic(self, name: str) -> str:
        """What a topic is called in the cluster."""
        return self.prefix + name
