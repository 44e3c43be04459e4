"""A worker that is told to stop ends: in order where it can, and in any case."""

from __future__ import annotations

import signal
import subprocess
import sys

from agents.stream.worker.ending import UNFINISHED

WAIT = 30

IN_ORDER = """
from agents.stream.worker.ending import Stop
stop = Stop()
stop.then(lambda: print("told", flush=True))
print("ready", flush=True)
stop.flag.wait()
print("finished", flush=True)
"""

NEVER = """
import threading
from concurrent.futures import ThreadPoolExecutor
from agents.stream.worker.ending import Stop
stop = Stop()
waiting = ThreadPoolExecutor().submit(threading.Event().wait)
print("ready", flush=True)
waiting.result()
"""


def ended(program: str, *signals: signal.Signals) -> tuple[int, list[str]]:
    """The exit code of a program that is sent signals once it is ready, and what it said from then on."""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            for number in signals:
                process.send_signal(number)
            said, _ = process.communicate(timeout=WAIT)
            return process.returncode, said.splitlines()
        finally:
            process.kill()


def test_it_finishes_what_it_has_begun() -> None:
    assert ended(IN_ORDER, signal.SIGTERM) == (0, ["told", "finished"])


def test_at_a_terminal_it_is_told_by_ctrl_c_and_told_once() -> None:
    assert ended(IN_ORDER, signal.SIGINT, signal.SIGINT) == (0, ["told", "finished"])


def test_one_that_waits_for_something_that_does_not_come_ends_and_says_so_by_its_exit_code() -> None:
    assert ended(NEVER, signal.SIGTERM)[0] == UNFINISHED
