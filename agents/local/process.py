"""Servers as processes of their own: a free port, a start that outlives us, and an end of exactly that process."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

PORTS = range(20_000, 32_000)
"""Below those that the system gives to outgoing connections, so that a broker finds its port free at a restart."""
STOP_TIMEOUT = 30
"""Seconds that a server has to end in order."""


def free_ports() -> Iterator[int]:
    """Ports of 127.0.0.1 on which nothing listens now."""
    for port in random.sample(PORTS, len(PORTS)):
        with closing(socket.socket()) as trial:
            try:
                trial.bind(("127.0.0.1", port))
            except OSError:
                continue
        yield port


def end(pid: int, number: signal.Signals, runs: Callable[[], bool]) -> None:
    """Signal a process and wait until `runs` says that it is gone; by force where that takes too long."""
    os.kill(pid, number)
    until = time.monotonic() + STOP_TIMEOUT
    while runs():
        if time.monotonic() > until:
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)


def detached(command: Sequence[str], log: Path) -> int:
    """Start a process that is nobody's child, and so outlives us, and that no signal to us reaches; its number."""
    script = ["sh", "-c", '"$@" </dev/null >>"$0" 2>&1 & echo $!', str(log), *command]
    started = subprocess.run(script, stdout=subprocess.PIPE, text=True, check=True, start_new_session=True)
    return int(started.stdout)


def command_line(pid: int) -> str:
    """The command line of a process; "" where there is none, or it has ended and nobody has asked how."""
    listed = subprocess.run(
        ["ps", "-ww", "-o", "stat=,command=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    state, _, command = listed.stdout.strip().partition(" ")
    return "" if state.startswith("Z") else command
