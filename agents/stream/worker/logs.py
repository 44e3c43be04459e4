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


class JsonLines(logging.Formatter):
    """Fields after ECS: @timestamp, log.level, log.logger, message, and error.stack_trace where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        line = {
            "@timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "log.level": record.levelname.lower(),
            "log.logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["error.stack_trace"] = self.formatException(record.exc_info)
        return orjson.dumps(line, default=str).decode()


def set_up(level: int = logging.INFO) -> None:
    """Have everything that is logged in this process written that way."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name, least in LEVELS.items():
        logging.getLogger(name).setLevel(max(level, least))
