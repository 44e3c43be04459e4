"""Incident versions by POST, in order, again and again until they are taken or too old; signed where a secret is given.

The history is the outbox: the place reached is kept in the store, so that a restart goes on there. A delivery may come
twice; its `Idempotency-Key` is then the same.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
from pathlib import Path

import httpx
import orjson
from tenacity import AsyncRetrying, RetryError, retry_if_exception_type, stop_after_delay, wait_exponential_jitter

from agents.config import WebhookOutput
from agents.embedded.live import Live
from pipeline.practices.notify import alertmanager_body
from schemas.incident import Incident

LOG = logging.getLogger(__name__)
TOGETHER = 50
SLOWEST = 300
"""Longest wait between two tries, in seconds."""


async def post_incidents(settings: WebhookOutput, live: Live, changed: asyncio.Event) -> None:
    """Deliver what is new whenever the flow has gone on, until cancelled."""
    store, name = live.host.store, f"webhook {settings.url}"
    secret = Path(settings.secret_file).read_bytes().strip() if settings.secret_file else b""
    async with httpx.AsyncClient(timeout=settings.timeout / 1000) as client:
        while True:
            await changed.wait()
            changed.clear()
            while found := store.versions(store.cursor(name), TOGETHER):
                for place, value in found:
                    await _deliver(client, settings, secret, value, live)
                    store.set_cursors({name: place})


async def _deliver(client: httpx.AsyncClient, settings: WebhookOutput, secret: bytes, value: bytes, live: Live) -> None:
    incident = Incident.model_validate_json(value)
    body = value if settings.format == "tocsin" else orjson.dumps(alertmanager_body(incident, "tocsin", settings.url))
    headers = {"content-type": "application/json", "idempotency-key": f"{incident.id}-{incident.version}"}
    if secret:
        headers["x-tocsin-signature"] = sign(secret, body)
    tries = AsyncRetrying(
        retry=retry_if_exception_type(httpx.HTTPError),
        stop=stop_after_delay(settings.give_up / 1000),
        wait=wait_exponential_jitter(multiplier=0.5, max=SLOWEST),
    )
    try:
        async for attempt in tries:
            with attempt:
                (await client.post(settings.url, content=body, headers=headers)).raise_for_status()
    except RetryError as error:
        LOG.error("gave up on %s for %s version %d: %s", settings.url, incident.id, incident.version, error)
        live.host.undelivered(settings.url, body, live.now(), str(error))


def sign(secret: bytes, body: bytes) -> str:
    """Signature of a body: HMAC-SHA256 in hexadecimal, as "sha256=..."."""
    return "sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest()
