from __future__ import annotations

import gc
import socket
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import ValidationError

from agents.stream import clients
from agents.stream.clients import admin, consumer, faust_options, producer
from agents.stream.settings import KafkaSettings, SaslSettings, TlsSettings
from schemas.base import ConfigError


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(clients, "CONNECT_TIMEOUT", 300)
    yield
    with warnings.catch_warnings():  # a client of kafka-python that found no broker leaves sockets behind
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


def test_one_message_says_that_no_broker_is_there_and_what_to_do() -> None:
    settings = KafkaSettings(bootstrap_servers=("127.0.0.1:9",))
    for make in (consumer, producer):
        with pytest.raises(ConfigError, match=r"127\.0\.0\.1:9: connection refused.*tocsin kafka up"):
            make(settings)
    with pytest.raises(ConfigError, match=r"no Kafka broker answers"), admin(settings):
        pass


def test_something_else_that_listens_is_told_from_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        settings = KafkaSettings(bootstrap_servers=(f"127.0.0.1:{other.getsockname()[1]}",))
        with pytest.raises(ConfigError, match="listens, and does not answer as a PLAINTEXT listener"):
            consumer(settings)


@pytest.mark.parametrize("address", ["kafka1", "kafka1:", ":9092", "kafka1:99999", "kafka1:http"])
def test_an_address_needs_host_and_port(address: str) -> None:
    with pytest.raises(ValidationError, match="is not like kafka1:9092"):
        KafkaSettings(bootstrap_servers=(address,))


def test_a_secret_file_that_is_missing_is_named_and_a_secret_is_never_shown(tmp_path: Path) -> None:
    secret = tmp_path / "password"
    settings = KafkaSettings(
        bootstrap_servers=("127.0.0.1:9",), sasl=SaslSettings(username="tocsin", password_file=str(secret))
    )
    with pytest.raises(ConfigError, match="password: cannot be read: No such file"):
        consumer(settings)
    secret.write_text("geheim\n")
    with pytest.raises(ConfigError) as told:
        consumer(settings)
    assert "geheim" not in str(told.value)
    assert "geheim" not in repr(settings)


def test_faust_gets_the_same_access(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("geheim\n")
    sasl = SaslSettings(username="tocsin", password_file=str(tmp_path / "password"), mechanism="SCRAM-SHA-256")
    addresses = ("kafka1:9092", "kafka2:9093")
    assert [str(url) for url in faust_options(KafkaSettings(bootstrap_servers=addresses))["broker"]] == [
        "kafka://kafka1:9092",
        "kafka://kafka2:9093",
    ]
    credentials = faust_options(KafkaSettings(sasl=sasl, tls=TlsSettings()))["broker_credentials"]
    assert (credentials.username, credentials.password) == ("tocsin", "geheim")
    assert (credentials.protocol.value, credentials.mechanism.value) == ("SASL_SSL", "SCRAM-SHA-256")
    assert "geheim" not in repr(credentials)
    only_tls = faust_options(KafkaSettings(tls=TlsSettings()))["broker_credentials"]
    assert only_tls.protocol.value == "SSL"


def test_a_certificate_that_is_none_is_told_by_its_key(tmp_path: Path) -> None:
    wrong = tmp_path / "ca.pem"
    wrong.write_text("no certificate")
    with pytest.raises(ConfigError, match=r"kafka\.tls\.ca_file: .*ca\.pem"):
        consumer(KafkaSettings(tls=TlsSettings(ca_file=str(wrong))))
