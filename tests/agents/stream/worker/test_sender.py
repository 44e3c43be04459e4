"""What a worker says of Kafka when it can't begin is one message."""

from __future__ import annotations

import asyncio
import gc
import logging
import socket

import pytest
from aiokafka.errors import KafkaConnectionError  # type: ignore[import-untyped]

from agents.stream.worker.sender import Sender


def test_a_broker_that_went_away_before_the_start_leaves_nothing_open(caplog: pytest.LogCaptureFixture) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        nobody = f"127.0.0.1:{free.getsockname()[1]}"

    async def begin() -> None:
        with pytest.raises(KafkaConnectionError):
            await Sender("", {"bootstrap_servers": nobody}).start(["events"])
        gc.collect()

    caplog.set_level(logging.WARNING, "asyncio")
    asyncio.run(begin())
    assert [record.getMessage() for record in caplog.records if record.name == "asyncio"] == []
