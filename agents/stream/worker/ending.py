"""Told to stop, a worker ends in less than five seconds, whatever Kafka does.

It finishes what it has begun where that is possible. But clients wait for brokers that are away, some of them in calls
that nothing interrupts; so a timer ends the process where it stands. That is no more than a crash, which loses and
doubles nothing: a transaction that is open is aborted, by the next one of our name or by the brokers after their
timeout, and what was read since the last commit or checkpoint is read again.
"""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Callable
from threading import Event as Flag
from threading import Timer

LOG = logging.getLogger(__name__)
GRACE = 4.0
"""Seconds in which what was begun has to be finished."""
UNFINISHED = 75
"""Exit code of a worker that was told to stop and could not finish: the one for "try again later" of sendmail."""


class Stop:
    """Set by SIGTERM and by SIGINT; from then on the process has `GRACE` seconds to live. For the main thread.

    Signals are handled by the interpreter, not by an event loop: one that waits for a thread would not hear them.
    """

    def __init__(self) -> None:
        self.flag = Flag()
        self._calls: list[Callable[[], object]] = []
        self._heard = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._told)

    def then(self, call: Callable[[], object]) -> None:
        """Have something called when we are told to stop, or now if we were."""
        self._calls.append(call)
        if self.flag.is_set():
            call()

    def _told(self, *_: object) -> None:
        if self._heard:  # not `flag`: a second signal may come while the first one is being handled
            return
        self._heard = True
        timer = Timer(GRACE, _end)
        timer.daemon = True
        timer.start()
        self.flag.set()
        for call in self._calls:
            call()


def _end() -> None:
    LOG.warning("what was begun could not be finished within %.0f s: it is left to others, who do it again", GRACE)
    os._exit(UNFINISHED)
