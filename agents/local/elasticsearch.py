"""A real Elasticsearch on this machine: one node from the published artifacts, embedded, in a folder of its own."""

from __future__ import annotations

import signal
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx
import orjson

from agents.deployed import deployed
from agents.local.java import fetched
from agents.local.jdk import compiled, jdk
from agents.local.process import command_line, detached, end, free_ports
from schemas.base import ConfigError

LEAST_JAVA = 21
START_TIMEOUT = 120
LIBRARIES = ("/usr/lib/*/libzstd.so.1", "/usr/lib64/libzstd.so.1", "/opt/homebrew/lib/libzstd.dylib")
MAIN = "org.elasticsearch.node.LocalNode"
PLUGIN = "tocsin.RootPlugin"


class Node:
    """One node. Its folder holds its data, its snapshots, its log and its state; it is found again by the folder.

    `settings` are added to those of the node. What it lacks against a full Elasticsearch is in docs/elasticsearch.md.
    """

    def __init__(
        self, folder: Path, *, port: int = 0, heap: str = "512m", settings: Mapping[str, str] | None = None
    ) -> None:
        self.folder, self.heap = folder.resolve(), heap
        self.settings = dict(settings or {})
        self.port = port or self._known_port() or next(free_ports())

    @property
    def url(self) -> str:
        """What clients are given."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def repository(self) -> Path:
        """The folder in which snapshots may be kept (path.repo)."""
        return self.folder / "snapshots"

    @property
    def pid(self) -> int | None:
        """The process of the node, while it runs."""
        try:
            pid = int(orjson.loads(self._state.read_bytes())["pid"])
        except FileNotFoundError:
            return None
        command = command_line(pid)
        return pid if f"{MAIN} {self.folder} " in command else None

    # -- start and end ---------------------------------------------------------------------------------------------

    def start(self) -> Self:
        """Start it and wait until it answers. Raises ConfigError where it does not."""
        if self.pid is not None:
            return self
        home = jdk(LEAST_JAVA)
        jars = fetched(deployed("local", "elasticsearch", "pom.xml"), "elasticsearch")
        classes = compiled(deployed("local", "elasticsearch", "src"), jars, "elasticsearch", home)
        natives = self.folder / "natives"
        natives.mkdir(parents=True, exist_ok=True)
        self._link_zstd(natives / "libzstd.so")
        command = [
            *(str(home / "bin" / "java"), "-Xms64m", f"-Xmx{self.heap}", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"),
            *("--enable-native-access=ALL-UNNAMED", "--sun-misc-unsafe-memory-access=allow"),
            f"-Des.nativelibs.path={natives}",
            "-Dorg.elasticsearch.nativeaccess.enableVectorLibrary=false",
            f"-XX:ErrorFile={self.folder / 'error.log'}",
            *("-cp", f"{classes}:{jars}/*"),  # the JVM expands the star; the command line stays short
            *(MAIN, str(self.folder), str(self.port), PLUGIN),
            *(f"-E{key}={value}" for key, value in self._all_settings().items()),
        ]
        pid = detached(command, self.folder / "node.log")
        self._state.write_bytes(orjson.dumps({"pid": pid, "port": self.port}))
        self._wait_until_ready()
        return self

    def stop(self) -> bool:
        """End it in order, by force if that takes too long. Whether it was running."""
        return self._end(signal.SIGTERM)

    def kill(self) -> bool:
        """End it as a power cut would. Whether it was running."""
        return self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Stop it and start it again, on the same port with the same data."""
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
    def _state(self) -> Path:
        return self.folder / "state.json"

    def _known_port(self) -> int:
        try:
            return int(orjson.loads(self._state.read_bytes())["port"])
        except FileNotFoundError:
            return 0

    def _all_settings(self) -> dict[str, str]:
        return {"path.repo": str(self.repository), "logger.level": "WARN", **self.settings}

    def _link_zstd(self, link: Path) -> None:
        """Without it an index with the codec best_compression loses its shard, and says so only in the log."""
        found = next((path for place in LIBRARIES for path in Path("/").glob(place[1:])), None)
        if found is None:
            raise ConfigError(
                "the library zstd is needed; Debian and Ubuntu: apt install libzstd1; Fedora: dnf install libzstd"
            )
        link.unlink(missing_ok=True)
        link.symlink_to(found)

    def _wait_until_ready(self) -> None:
        until = time.monotonic() + START_TIMEOUT
        while not _answers(self.url):
            if self.pid is None:
                raise self._failed("ended at its start")
            if time.monotonic() > until:
                self.kill()
                raise self._failed(f"did not answer within {START_TIMEOUT} s")
            time.sleep(0.1)

    def _failed(self, what: str) -> ConfigError:
        log = self.folder / "node.log"
        last = log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:]
        return ConfigError(f"Elasticsearch {what}; the end of {log}:\n" + "\n".join(last))

    def _end(self, number: signal.Signals) -> bool:
        pid = self.pid
        if pid is None:
            return False
        end(pid, number, lambda: self.pid is not None)
        return True


def _answers(url: str) -> bool:
    try:
        health = httpx.get(f"{url}/_cluster/health", params={"wait_for_status": "yellow", "timeout": "5s"}, timeout=10)
    except httpx.HTTPError:
        return False
    return health.status_code == 200
