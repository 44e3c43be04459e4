"""A real Kafka broker on this machine: one KRaft node from the published artifacts, in a folder of its own."""

from __future__ import annotations

import base64
import signal
import socket
import struct
import subprocess
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

import orjson

from agents.deployed import deployed
from agents.local.java import fetched, java
from agents.local.process import command_line, detached, end, free_ports
from schemas.base import ConfigError

LEAST_JAVA = 17
START_TIMEOUT = 90
_API_VERSIONS = struct.pack(">hhih", 18, 0, 1, 6) + b"tocsin"


class Ports(NamedTuple):
    """Where a broker listens on 127.0.0.1. `secure` is for TLS and SASL, where that is set up."""

    plain: int
    controller: int
    secure: int


class Broker:
    """One broker. Its folder holds its data, its settings, its log and its state; it is found again by the folder.

    `properties` are added to those of deploy/local/kafka; a listener named SECURE at `ports.secure` may be among them.
    """

    def __init__(
        self, folder: Path, *, port: int = 0, heap: str = "512m", properties: Mapping[str, str] | None = None
    ) -> None:
        self.folder, self.heap = folder.resolve(), heap
        self.properties: dict[str, str] = dict(properties or {})
        self.ports = self._ports(port)

    @property
    def bootstrap(self) -> str:
        """What clients are given as bootstrap servers."""
        return f"127.0.0.1:{self.ports.plain}"

    @property
    def pid(self) -> int | None:
        """The process of the broker, while it runs."""
        try:
            state = orjson.loads(self._state.read_bytes())
        except FileNotFoundError:
            return None
        pid = int(state["pid"])
        return pid if str(self._settings) in command_line(pid) else None

    # -- start and end ---------------------------------------------------------------------------------------------

    def start(self) -> Self:
        """Start it and wait until it answers. Raises ConfigError where it does not."""
        if self.pid is not None:
            return self
        classpath = str(fetched(deployed("local", "kafka", "pom.xml"), "kafka") / "*")
        # The JVM expands the star; the command line stays short.
        command = [
            str(java(LEAST_JAVA)),
            f"-Dlog4j2.configurationFile={deployed('local', 'kafka', 'log4j2.properties')}",
        ]
        self.folder.mkdir(parents=True, exist_ok=True)
        self._write_settings()
        with (self.folder / "broker.log").open("ab") as log:
            if not (self.folder / "data" / "meta.properties").exists():
                tool = ["kafka.tools.StorageTool", "format", "--standalone", "-t", _cluster_id(), "-c"]
                options = ["-Xmx128m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", classpath]
                ended = subprocess.run(
                    [*command, *options, *tool, str(self._settings)], stdout=log, stderr=log, check=False
                )
                if ended.returncode:
                    raise self._failed("could not make its folder")
        options = [f"-Xmx{self.heap}", "-Xms128m", "-XX:+UseG1GC", "-Djava.awt.headless=true", "-cp", classpath]
        pid = detached([*command, *options, "kafka.Kafka", str(self._settings)], self.folder / "broker.log")
        self._state.write_bytes(orjson.dumps({"pid": pid, "ports": self.ports}, default=tuple))
        self._wait_until_ready()
        return self

    def stop(self) -> bool:
        """End it in order, by force if that takes too long. Whether it was running."""
        return self._end(signal.SIGTERM)

    def kill(self) -> bool:
        """End it as a power cut would. Whether it was running."""
        return self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Stop it and start it again, on the same ports with the same data."""
        self.stop()
        self.start()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # -- inside ----------------------------------------------------------------------------------------------------

    @property
    def _settings(self) -> Path:
        return self.folder / "server.properties"

    @property
    def _state(self) -> Path:
        return self.folder / "state.json"

    def _ports(self, port: int) -> Ports:
        """Those it had before, else free ones."""
        try:
            known = Ports(*orjson.loads(self._state.read_bytes())["ports"])
        except FileNotFoundError:
            free = free_ports()
            return Ports(port or next(free), next(free), next(free))
        return known._replace(plain=port) if port else known

    def _write_settings(self) -> None:
        plain, controller = f"PLAINTEXT://127.0.0.1:{self.ports.plain}", f"127.0.0.1:{self.ports.controller}"
        own = {
            "listeners": f"{plain},CONTROLLER://{controller}",
            "advertised.listeners": plain,
            "controller.quorum.bootstrap.servers": controller,
            "log.dirs": str(self.folder / "data"),
        }
        text = deployed("local", "kafka", "server.properties").read_text(encoding="utf-8")
        lines = [f"{key}={value}" for key, value in (own | self.properties).items()]
        self._settings.write_text(text + "\n" + "\n".join(lines) + "\n", encoding="utf-8")

    def _wait_until_ready(self) -> None:
        until = time.monotonic() + START_TIMEOUT
        while not answers(self.ports.plain):
            if self.pid is None:
                raise self._failed("ended at its start")
            if time.monotonic() > until:
                self.kill()
                raise self._failed(f"did not answer within {START_TIMEOUT} s")
            time.sleep(0.05)

    def _failed(self, what: str) -> ConfigError:
        log = self.folder / "broker.log"
        last = log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:]
        return ConfigError(f"the broker {what}; the end of {log}:\n" + "\n".join(last))

    def _end(self, number: signal.Signals) -> bool:
        """End the process that this folder names, and no other."""
        pid = self.pid
        if pid is None:
            return False
        end(pid, number, lambda: self.pid is not None)
        return True


def answers(port: int) -> bool:
    """Whether a broker on 127.0.0.1 answers a request for its API versions: an open port alone is too early."""
    try:
        with socket.create_connection(("127.0.0.1", port), 0.5) as connection:
            connection.settimeout(2)
            connection.sendall(struct.pack(">i", len(_API_VERSIONS)) + _API_VERSIONS)
            (size,) = struct.unpack(">i", connection.recv(4, socket.MSG_WAITALL))
            reply = connection.recv(size, socket.MSG_WAITALL)
            return struct.unpack(">ih", reply[:6]) == (1, 0)
    except (OSError, struct.error):
        return False


def _cluster_id() -> str:
    while True:
        made = base64.urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode()
        if not made.startswith("-"):  # the tool would take it for an option
            return made
