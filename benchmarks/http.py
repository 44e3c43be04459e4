"""HTTP into a real host: `python -m benchmarks.http --runs 5`. Alerts a second, and the host's CPU for each.

A host in a process of its own, as people run it, durable: a request is answered once its alerts are in the inbox. Sent
is what a Prometheus sends to /api/v2/alerts: alerts that are new, and the same ones again with a later end. CPU is user
and system time of the host's process until everything that was sent is handled and in a checkpoint.
"""

from __future__ import annotations

import os
import socket
import sqlite3
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import orjson

from benchmarks.day import Spread, arguments, print_json, spread
from tests.agents.embedded.running import configure, free_port, process, ready

SHAPES = ((100, 1), (100, 4), (1, 1), (1, 4))
"""Alerts a request, and connections."""
OTHERS: dict[tuple[str, int, int], tuple[int, int]] = {
    ("new", 100, 1): (42_000, 32),
    ("repeated", 100, 1): (36_000, 37),
    ("new", 100, 4): (71_000, 26),
    ("new", 1, 1): (3_300, 265),
}
"""Alertmanager 0.34 on two cores like those of the reference machine, in memory only: alerts/s, CPU us an alert."""
RESENT = 62
"""Seconds after which a Prometheus sends again what still fires; `OLD` of them have passed when it is sent first."""
OLD = 29
TICKS = os.sysconf("SC_CLK_TCK")


class Figure(NamedTuple):
    """One phase of one run."""

    rate: float
    """Alerts a second until the last one was acknowledged."""
    cpu: float
    """Microseconds of CPU of the host for each alert, all that follows included."""


def alerts(count: int, severity: str, begun: datetime, later: int) -> list[bytes]:
    """Alerts as a Prometheus writes them, each about another thing; `later` is the number of the repeat."""
    starts, ends = begun, begun + timedelta(minutes=4 + later)
    return [
        orjson.dumps(
            {
                "labels": {
                    "alertname": f"Check{number % 20}",
                    "instance": f"host{number // 20}.example.com:9100",
                    "job": "node",
                    "datacentre": f"dc{number % 3}",
                    "severity": severity,
                },
                "annotations": {"summary": f"check {number % 20} has failed on host{number // 20}"},
                "startsAt": starts.isoformat(),
                "endsAt": ends.isoformat(),
                "generatorURL": "http://prometheus.example.com/graph?g0.expr=up",
            }
        )
        for number in range(count)
    ]


def requests(bodies: Sequence[bytes], each: int) -> list[bytes]:
    """The same as whole HTTP requests with `each` alerts in one."""
    made = []
    for at in range(0, len(bodies), each):
        body = b"[" + b",".join(bodies[at : at + each]) + b"]"
        head = (
            f"POST /api/v2/alerts HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
        )
        made.append(head.encode() + b"\r\n\r\n" + body)
    return made


def send(port: int, made: Sequence[bytes]) -> None:
    """Send requests over one connection, each after the answer to the one before."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for request in made:
            while True:
                connection.sendall(request)
                answer = connection.recv(65_536)
                if not answer.startswith(b"HTTP/1.1 503"):
                    break
                time.sleep(0.01)
            if not answer.startswith(b"HTTP/1.1 200"):
                raise RuntimeError(f"answered {answer[:200]!r}")


def cpu(process_id: int) -> float:
    """Seconds of user and system time that a process has had (fields 14 and 15 of /proc/PID/stat, see proc(5))."""
    fields = Path(f"/proc/{process_id}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def wait_handled(store: Path) -> None:
    """Wait until a checkpoint holds all of the inbox; asks the file, so that the host has no part in it."""
    with closing(sqlite3.connect(store)) as db:
        query = "SELECT (SELECT max(seq) FROM inbox), (SELECT value FROM meta WHERE name = 'applied')"
        while True:
            last, applied = db.execute(query).fetchone()
            if applied is not None and applied >= last:
                return
            time.sleep(0.02)


def phase(port: int, host: int, store: Path, made: Sequence[bytes], connections: int, count: int) -> Figure:
    """Send all requests over some connections at once, and wait until they are handled."""
    used, begun = cpu(host), time.perf_counter()
    with ThreadPoolExecutor(connections) as pool:
        list(pool.map(lambda part: send(port, made[part::connections]), range(connections)))
    seconds = time.perf_counter() - begun
    wait_handled(store)
    return Figure(count / seconds, (cpu(host) - used) / count * 1e6)


def run(each: int, connections: int, count: int, severity: str) -> dict[str, Figure]:
    """One host from its start: new alerts, then the same again."""
    port, begun = free_port(), datetime.now(UTC) - timedelta(seconds=OLD)
    with tempfile.TemporaryDirectory(prefix="tocsin-http-") as name:
        folder = Path(name)
        with process(configure(folder, inputs=[{"type": "http", "port": port}])) as host:
            ready(f"http://127.0.0.1:{port}")
            found = {}
            for later, what in enumerate(("new", "repeated")):
                time.sleep(max(later * RESENT - (datetime.now(UTC) - begun).total_seconds(), 0))
                made = requests(alerts(count, severity, begun, later), each)
                found[what] = phase(port, host.pid, folder / "tocsin.db", made, connections, count)
    return found


def line(what: str, each: int, connections: int, rates: Spread, costs: Spread) -> str:
    """One row of the table."""
    rate = "/".join(f"{value:,.0f}" for value in rates)
    cost = "/".join(f"{value:.0f}" for value in costs)
    other = OTHERS.get((what, each, connections))
    beside = f"{other[0]:>10,} {other[1]:>6}" if other else f"{'-':>10} {'-':>6}"
    return f"{what:<9}{each:>8}{connections:>12}{rate:>26}{cost:>18} {beside}"


def main(given: list[str] | None = None) -> int:
    """Measure every shape several times and print least/median/greatest."""
    options = arguments(
        "Alerts by HTTP into a host.", given, runs="3", alerts="20000", single="4000", severity="warning"
    )
    title = f"{'':<9}{'a request':>8}{'connections':>12}{'alerts/s':>26}{'CPU us an alert':>18}"
    print(f"{title} {'Alertmanager /s us':>18}")
    rows = []
    for each, connections in SHAPES:
        count = int(options.alerts if each > 1 else options.single)
        found = [run(each, connections, count, options.severity) for _ in range(int(options.runs))]
        for what in ("new", "repeated"):
            rates, costs = spread(one[what].rate for one in found), spread(one[what].cpu for one in found)
            rows.append({"what": what, "each": each, "connections": connections, "rate": rates, "cpu": costs})
            print(line(what, each, connections, rates, costs), flush=True)
    if options.json:
        print_json({"rows": rows})
    return 0


if __name__ == "__main__":
    sys.exit(main())
