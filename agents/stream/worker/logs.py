"""Logs of a worker: a JSON object a line on standard error, with what libraries say below a warning left out."""

from __future__ import annotations

import logging
import sys
from datetime import UTC, datetime

import orjson

LEVELS = {
    "kafka.net": logging.CRITICAL,  # what goes wrong there is told again by those who wanted something
    **dict.fromkeys(("faust", "mode", "aiokafka", "kafka", "asyncio", "uvicorn", "elastic_transport"), logging.WARNING),
    **dict.fromkeys(
        (f"agents.stream.worker.{name}" for name in ("correlate", "detect", "host", "store", "transport")),
        logging.WARNING,
    ),
}
"""Loggers that say too much on a good day: what they count is in the metrics. The last are Faust's, by our names."""


SAME = 10.0
"""Seconds in which a library says the same only once: while no broker is there they say it 150 times a second."""
LIBRARIES = ("kafka", "aiokafka", "faust", "mode")
KNOWN = 1000
"""Things that are remembered to have been said."""


class Once(logging.Filter):
    """Lets a library say something once in a while; the next time it is told how often it was said in between."""

    def __init__(self) -> None:
        super().__init__()
        self._said: dict[tuple[str, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether it is to be written. The clock is that of the records."""
        if record.name.partition(".")[0] not in LIBRARIES:
            return True
        key = record.name, str(record.msg)
        at, more = self._said.get(key, (record.created - SAME, 0))
        if record.created - at < SAME:
            self._said[key] = at, more + 1
            return False
        if len(self._said) >= KNOWN:
            self._said.clear()
        self._said[key] = record.created, 0
        record.repeated = more
        return True


class JsonLines(logging.Formatter):
    """Fields after ECS: @timestamp, log.level, log.logger, message, and error.stack_trace where there is one.

    `tocsin.log.repeated` says how often the same was left out since it was last told.
    """

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        line: dict[str, object] = {
            "@timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "log.level": record.levelname.lower(),
            "log.logger": record.name,
            "message": record.getMessage(),
        }
        if repeated := getattr(record, "repeated", 0):
            line["tocsin.log.repeated"] = repeated
        if record.exc_info:
            line["error.stack_trace"] = self.formatException(record.exc_info)
        return orjson.dumps(line, default=str).decode()


def set_up(level: int = logging.INFO) -> None:
    """Have everything that is logged in this process written that way."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    handler.addFilter(Once())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name, least in LEVELS.items():
        logging.getLogger(name).setLevel(max(level, least))
