"""All Kafka clients are made here: the same addresses, TLS and SASL for each, and one message when no broker is there.

kafka-python has no types of its own, so what we use of it is written down here as protocols.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread
from typing import Any, NamedTuple, Protocol, cast

import kafka  # type: ignore[import-untyped]
import kafka.errors  # type: ignore[import-untyped]
import kafka.net.compat  # type: ignore[import-untyped]
import kafka.structs  # type: ignore[import-untyped]

from agents.stream.settings import KafkaSettings, TlsSettings
from agents.stream.sizes import MOST_BYTES
from schemas.base import ConfigError

CONNECT_TIMEOUT = 10_000
"""Milliseconds in which a first broker must have answered."""

LEAVE = 1.5
"""Seconds in which a group must have been told that somebody leaves, and a client be closed."""

KafkaError: type[Exception] = kafka.errors.KafkaError
"""The parent of all that Kafka's client raises."""
Replaced: type[Exception] = kafka.errors.FencedInstanceIdError
"""Another member of the group has our name."""


class _Patient(kafka.net.compat.KafkaNetClient):  # type: ignore[misc]
    """Says that a broker is not ready, where the library's own client raises.

    The producer drops a request of a transaction when that is raised, and whoever waits for the transaction waits for
    ever; where it is only told so, it asks again until the broker is back.
    """

    def await_ready(self, *given: Any, **more: Any) -> bool:
        try:
            return bool(super().await_ready(*given, **more))
        except kafka.errors.KafkaConnectionError:
            return False


class Unreachable(ConfigError):
    """No broker answers."""


class Partition(NamedTuple):
    """A partition of a topic; Kafka's client takes and gives it as a tuple of the same fields."""

    topic: str
    partition: int


class RawMessage(Protocol):
    """What is in a message. `timestamp` is in milliseconds since the epoch."""

    @property
    def offset(self) -> int: ...
    @property
    def timestamp(self) -> int: ...
    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> Sequence[tuple[str, bytes | None]]: ...


class Message(RawMessage, Protocol):
    """A message that was read, and where."""

    @property
    def topic(self) -> str: ...
    @property
    def partition(self) -> int: ...


class Sent(Protocol):
    """A message on its way."""

    def get(self, timeout: float | None = None) -> Any:
        """Wait until it is there; raises KafkaError where it could not be sent."""
        ...


class Listener(kafka.ConsumerRebalanceListener):  # type: ignore[misc]
    """Told when partitions come and go, inside `poll`."""

    def __init__(
        self, revoked: Callable[[Sequence[Partition]], None], assigned: Callable[[Sequence[Partition]], None]
    ) -> None:
        self._revoked, self._assigned = revoked, assigned

    def on_partitions_revoked(self, revoked: Sequence[Partition]) -> None:
        """Partitions go to others; called while they are still ours."""
        self._revoked(revoked)

    def on_partitions_assigned(self, assigned: Sequence[Partition]) -> None:
        """Partitions are ours now."""
        self._assigned(assigned)


class Consumer(Protocol):
    """What we use of `kafka.KafkaConsumer`."""

    def assign(self, partitions: Sequence[Partition]) -> None: ...
    def assignment(self) -> set[Partition]: ...
    def beginning_offsets(self, partitions: Sequence[Partition]) -> dict[Partition, int]: ...
    def close(self, autocommit: bool = True, timeout_ms: int | None = None) -> None: ...
    def commit(self, offsets: Mapping[Partition, Any]) -> None: ...
    def committed(self, partition: Partition) -> int | None: ...
    def end_offsets(self, partitions: Sequence[Partition]) -> dict[Partition, int]: ...
    def group_metadata(self) -> Any: ...
    def highwater(self, partition: Partition) -> int | None: ...
    def pause(self, *partitions: Partition) -> None: ...
    def paused(self) -> set[Partition]: ...
    def partitions_for_topic(self, topic: str) -> set[int] | None: ...
    def poll(self, timeout_ms: int = 0, max_records: int | None = None) -> dict[Partition, list[Message]]: ...
    def position(self, partition: Partition) -> int: ...
    def resume(self, *partitions: Partition) -> None: ...
    def seek(self, partition: Partition, offset: int) -> None: ...
    def seek_to_beginning(self, *partitions: Partition) -> None: ...
    def subscribe(self, topics: Sequence[str], listener: Listener | None = None) -> None: ...


class Producer(Protocol):
    """What we use of `kafka.KafkaProducer`."""

    def abort_transaction(self) -> None: ...
    def begin_transaction(self) -> None: ...
    def close(self, timeout: float | None = None) -> None: ...
    def commit_transaction(self) -> None: ...
    def flush(self, timeout: float | None = None) -> None: ...
    def init_transactions(self) -> None: ...
    def partitions_for(self, topic: str) -> set[int]: ...
    def send(
        self,
        topic: str,
        value: bytes | None = None,
        key: bytes | None = None,
        headers: list[tuple[str, bytes]] | None = None,
        partition: int | None = None,
        timestamp_ms: int | None = None,
    ) -> Sent: ...
    def send_offsets_to_transaction(self, offsets: Mapping[Partition, Any], group_metadata: Any) -> None: ...


class Admin(Protocol):
    """What we use of `kafka.KafkaAdminClient`."""

    def alter_user_scram_credentials(self, alterations: Sequence[Any]) -> Any: ...
    def alter_configs(self, config_resources: Sequence[Any]) -> Any: ...
    def close(self) -> None: ...
    def create_partitions(self, topic_partitions: Mapping[str, int]) -> Any: ...
    def create_topics(
        self, new_topics: Mapping[str, Mapping[str, Any]], *, raise_errors: bool = True, wait_for_metadata: bool = False
    ) -> dict[str, Any]: ...
    def delete_topics(self, topics: Sequence[str]) -> Any: ...
    def describe_configs(self, config_resources: Sequence[Any], config_filter: str) -> dict[str, Any]: ...
    def describe_topics(self, topics: Sequence[str] | None = None) -> list[dict[str, Any]]: ...
    def remove_group_members(self, group_id: str, members: Sequence[Any]) -> Any: ...
    def wait_for_topics(self, topic_names: Sequence[str], timeout_ms: int) -> None: ...


def consumer(settings: KafkaSettings, **options: Any) -> Consumer:
    """A consumer that reads only what is committed and never makes topics. Raises ConfigError where no broker is."""
    with broker_there(settings):
        made: Consumer = kafka.KafkaConsumer(
            **{
                **_access(settings),
                "isolation_level": "read_committed",
                "enable_auto_commit": False,
                "allow_auto_create_topics": False,
                "auto_offset_reset": "earliest",
                "metrics_enabled": False,
                **options,
            }
        )
        return made


def producer(settings: KafkaSettings, **options: Any) -> Producer:
    """A producer whose messages are there only when all replicas have them. Raises ConfigError where no broker is."""
    with broker_there(settings):
        made: Producer = kafka.KafkaProducer(
            **{
                **_access(settings),
                "allow_auto_create_topics": False,
                "metrics_enabled": False,
                "max_request_size": MOST_BYTES,
                "kafka_client": _Patient,
                **options,
            }
        )
        return made


@contextmanager
def admin(settings: KafkaSettings) -> Iterator[Admin]:
    """A client for topics. Raises ConfigError where no broker is."""
    with broker_there(settings):
        made: Admin = kafka.KafkaAdminClient(**_access(settings))
    try:
        yield made
    finally:
        made.close()


def position(offset: int) -> Any:
    """An offset as transactions take it."""
    return kafka.structs.OffsetAndMetadata(offset, "", -1)


def partition(topic: str, number: int) -> Partition:
    """A partition as Kafka's client knows it."""
    made: Partition = kafka.structs.TopicPartition(topic, number)
    return made


def config_resource(topic: str, configs: Mapping[str, str] | None = None) -> Any:
    """The settings of a topic, to be asked for, or to be changed."""
    from kafka.admin import ConfigResource  # type: ignore[import-untyped]

    return ConfigResource("topic", topic, configs)


@contextmanager
def broker_there(settings: KafkaSettings) -> Iterator[None]:
    """Turn what the client raises when it can't get in into one ConfigError."""
    try:
        yield
    except (kafka.errors.SaslAuthenticationFailedError, kafka.errors.UnsupportedSaslMechanismError) as error:
        raise ConfigError(f"Kafka at {settings.address} does not let us in: {error}; see kafka.sasl") from error
    except (
        kafka.errors.KafkaTimeoutError,
        kafka.errors.KafkaConnectionError,
    ) as error:
        raise unreachable(settings) from error


def unreachable(settings: KafkaSettings) -> Unreachable:
    """Why nobody answers, as far as a connection can tell."""
    said = "; ".join(f"{address}: {_diagnosis(address, settings)}" for address in settings.bootstrap_servers)
    return Unreachable(
        f"no Kafka broker answers ({said}). Check kafka.bootstrap_servers, kafka.tls and kafka.sasl; "
        "`tocsin kafka up` starts a broker here"
    )


def _diagnosis(address: str, settings: KafkaSettings) -> str:
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    try:
        with socket.create_connection((host, int(port)), 2) as connection:
            if settings.tls:
                tls_context(settings.tls).wrap_socket(connection, server_hostname=host).close()
    except ssl.SSLCertVerificationError as error:
        return f"its certificate is not trusted: {error.verify_message.lower()}"
    except OSError as error:
        return (error.strerror or str(error)).lower()
    if settings.sasl:
        return f"listens, and does not let {settings.sasl.username!r} in by {settings.sasl.mechanism}"
    return f"listens, and does not answer as a {settings.protocol} listener of Kafka would"


def faust_options(settings: KafkaSettings) -> dict[str, Any]:
    """The same addresses, TLS and SASL, as `faust.App` takes them."""
    import faust
    from yarl import URL

    options: dict[str, Any] = {"broker": [URL(f"kafka://{address}") for address in settings.bootstrap_servers]}
    context = tls_context(settings.tls) if settings.tls else None
    if settings.sasl:
        options["broker_credentials"] = faust.SASLCredentials(
            username=settings.sasl.username,
            password=read_secret(settings.sasl.password_file),
            mechanism=settings.sasl.mechanism,
            ssl_context=context,
        )
    elif context:
        options["broker_credentials"] = faust.SSLCredentials(context)
    return options


def _access(settings: KafkaSettings) -> dict[str, Any]:
    """Where the brokers are and how to get in, as kafka-python takes it."""
    options: dict[str, Any] = {
        "bootstrap_servers": list(settings.bootstrap_servers),
        "client_id": f"{settings.prefix}tocsin",
        "security_protocol": settings.protocol,
        "bootstrap_timeout_ms": CONNECT_TIMEOUT,
        "reconnect_backoff_max_ms": 1000,
    }
    if settings.tls:
        options |= {"ssl_context": tls_context(settings.tls), "ssl_check_hostname": settings.tls.check_hostname}
    if settings.sasl:
        options |= {
            "sasl_mechanism": settings.sasl.mechanism,
            "sasl_plain_username": settings.sasl.username,
            "sasl_plain_password": read_secret(settings.sasl.password_file),
        }
    return options


def tls_context(settings: TlsSettings) -> ssl.SSLContext:
    """What to trust and what to show. Raises ConfigError for a file that does not hold what it should."""
    try:
        context = ssl.create_default_context(cafile=settings.ca_file or None)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(f"kafka.tls.ca_file: {settings.ca_file}: {error}") from error
    context.check_hostname = settings.check_hostname
    if settings.certificate_file:
        password = read_secret(settings.key_password_file) if settings.key_password_file else ""
        try:
            context.load_cert_chain(settings.certificate_file, settings.key_file or None, password)
        except (OSError, ssl.SSLError) as error:
            raise ConfigError(f"kafka.tls.certificate_file: {settings.certificate_file}: {error}") from error
    return context


def read_secret(path: str) -> str:
    """The one line of a file. Raises ConfigError where it can't be read."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    return text.rstrip("\r\n")


def leave_group(settings: KafkaSettings, group: str, instance: str) -> None:
    """Say that a member of a group will not come back soon, so that others get its partitions at once.

    Where brokers do not answer soon, others get them when the session of the member is over.
    """
    from kafka.admin import MemberToRemove

    def leave() -> None:
        with suppress(KafkaError, ConfigError), admin(settings) as client:
            client.remove_group_members(group, [MemberToRemove(group_instance_id=instance)])

    leaving = Thread(target=leave, name="leave", daemon=True)  # the client has no one limit for all that it does
    leaving.start()
    leaving.join(LEAVE)


def close_quietly(client: Producer | Consumer) -> None:
    """Let go of a client whose connection may be gone: what it would say has been said, or never is."""
    if isinstance(client, kafka.KafkaProducer):
        _close_producer(client)
        return
    with suppress(KafkaError):
        cast(Consumer, client).close(timeout_ms=int(LEAVE * 1000))


def _close_producer(made: Any) -> None:
    """Where it can't send what it has, the library leaves it open, and it goes on by itself once brokers are back.

    A transaction that it had begun would then end beside those of whoever took its place.
    """
    try:
        made.close(timeout=1)
    except KafkaError:
        made._sender.force_close()
        made._sender.join(LEAVE)
