"""Where the brokers are and how to get in, as aiokafka takes it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from agents.stream.clients import read_secret, tls_context
from agents.stream.settings import KafkaSettings


def aiokafka_options(settings: KafkaSettings) -> dict[str, Any]:
    """Addresses, TLS and SASL. Raises ConfigError for a file that does not hold what it should."""
    options: dict[str, Any] = {
        "bootstrap_servers": list(settings.bootstrap_servers),
        "client_id": f"{settings.prefix}tocsin",
        "security_protocol": settings.protocol,
    }
    if settings.tls:
        options["ssl_context"] = tls_context(settings.tls)
    if settings.sasl:
        options |= {
            "sasl_mechanism": settings.sasl.mechanism,
            "sasl_plain_username": settings.sasl.username,
            "sasl_plain_password": read_secret(settings.sasl.password_file),
        }
    return options


async def stopped(stopping: Coroutine[Any, Any, None]) -> None:
    """Stop a client. It cancels tasks of its own, and where a broker is away that looks as if we were cancelled."""
    task = asyncio.ensure_future(stopping)
    await asyncio.wait({task})
    if not task.cancelled():
        task.result()
