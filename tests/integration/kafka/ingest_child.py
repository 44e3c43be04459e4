"""An ingest as a process of its own, so that it can be killed; called with its settings as JSON and its name."""

from __future__ import annotations

import signal
import sys
import threading

from agents.config import Config
from agents.stream.ingest.run import Ingest
from agents.stream.settings import KafkaSettings


def main() -> None:
    """Run until SIGTERM."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    Ingest(Config(kafka=KafkaSettings.model_validate_json(sys.argv[1])), sys.argv[2]).run(stop)


if __name__ == "__main__":
    main()
