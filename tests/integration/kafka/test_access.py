"""TLS and SASL against a real broker that has both: who may get in, and what those are told who may not."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from kafka.admin import UserScramCredentialUpsertion  # type: ignore[import-untyped]

from agents.local.java import java
from agents.local.kafka import LEAST_JAVA, Broker
from agents.stream.clients import admin, consumer, faust_options, partition, producer
from agents.stream.settings import KafkaSettings, SaslSettings, TlsSettings
from agents.stream.topics import create, differences, wanted
from schemas.base import ConfigError

# A client of kafka-python that is not let in leaves sockets behind.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

LOGIN = "org.apache.kafka.common.security"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key for the broker, its certificate, and passwords in files."""
    made = tmp_path_factory.mktemp("secure")
    tool = [str(java(LEAST_JAVA).parent / "keytool"), "-alias", "broker", "-storepass", "changeit"]
    store = ["-keystore", str(made / "broker.p12"), "-storetype", "PKCS12"]
    names = ["-dname", "CN=localhost", "-ext", "SAN=ip:127.0.0.1"]
    subprocess.run([*tool, *store, "-genkeypair", "-keyalg", "EC", *names], check=True, capture_output=True)
    shown = subprocess.run([*tool, *store, "-exportcert", "-rfc"], check=True, capture_output=True)
    (made / "ca.pem").write_bytes(shown.stdout)
    (made / "password").write_text("geheim\n")
    (made / "wrong").write_text("falsch\n")
    return made


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    """The secure listener of a broker of our own."""
    broker = Broker(folder / "broker")
    secure = f"SECURE://127.0.0.1:{broker.ports.secure}"
    plain, controller = (f"//127.0.0.1:{port}" for port in broker.ports[:2])
    broker.properties |= {
        "listeners": f"PLAINTEXT:{plain},CONTROLLER:{controller},{secure}",
        "advertised.listeners": f"PLAINTEXT:{plain},{secure}",
        "ssl.keystore.type": "PKCS12",
        "ssl.keystore.location": str(folder / "broker.p12"),
        "ssl.keystore.password": "changeit",
        "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-512",
        "listener.name.secure.plain.sasl.jaas.config": f'{LOGIN}.plain.PlainLoginModule required user_tocsin="geheim";',
        "listener.name.secure.scram-sha-512.sasl.jaas.config": f"{LOGIN}.scram.ScramLoginModule required;",
    }
    with broker:
        with admin(KafkaSettings(bootstrap_servers=(broker.bootstrap,))) as client:
            credential = UserScramCredentialUpsertion("tocsin", "SCRAM-SHA-512", "geheim")
            client.alter_user_scram_credentials([credential])
        yield f"127.0.0.1:{broker.ports.secure}"


def settings(address: str, folder: Path, password: str = "password", mechanism: str = "SCRAM-SHA-512") -> KafkaSettings:
    sasl = {"username": "tocsin", "password_file": str(folder / password), "mechanism": mechanism}
    return KafkaSettings(
        bootstrap_servers=(address,),
        tls=TlsSettings(ca_file=str(folder / "ca.pem")),
        sasl=SaslSettings.model_validate(sasl),
    )


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-512"])
def test_every_client_gets_in_with_the_settings_of_the_configuration(
    address: str, folder: Path, mechanism: str
) -> None:
    access = settings(address, folder, mechanism=mechanism).model_copy(update={"prefix": f"{mechanism}."})
    topics = wanted(access, [])
    create(access, topics)
    assert differences(access, topics) == []
    sender = producer(access)
    sender.send(access.topic("dead"), b"x", b"k").get(20)
    sender.close()
    reader = consumer(access)
    reader.assign([partition(access.topic("dead"), 0)])
    assert [one.value for some in reader.poll(20_000).values() for one in some] == [b"x"]
    reader.close()
    assert faust_options(access)["broker_credentials"].ssl_context is not None


def test_a_wrong_password_is_told_and_not_shown(address: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agents.stream.clients.CONNECT_TIMEOUT", 3000)
    with pytest.raises(ConfigError, match=r"does not let 'tocsin' in by SCRAM-SHA-512") as told:
        consumer(settings(address, folder, "wrong"))
    assert "falsch" not in str(told.value)


def test_a_broker_that_is_not_trusted_is_not_talked_to(
    address: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agents.stream.clients.CONNECT_TIMEOUT", 2000)
    stranger = settings(address, folder).model_copy(update={"tls": TlsSettings()})
    with pytest.raises(ConfigError, match="its certificate is not trusted: self-signed certificate"):
        consumer(stranger)


def test_who_speaks_without_tls_is_told_what_is_expected(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agents.stream.clients.CONNECT_TIMEOUT", 2000)
    with pytest.raises(ConfigError, match="does not answer as a PLAINTEXT listener"):
        consumer(KafkaSettings(bootstrap_servers=(address,)))
