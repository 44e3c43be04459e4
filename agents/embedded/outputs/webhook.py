"""Incidents by POST, in order, again and again until they are taken or too old; signed where a secret is given.

A delivery may come twice after a crash; its `Idempotency-Key` is then the same.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
from pathlib import Path

import httpx
import orjson
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_exponential, wait_random

from agents.config import WebhookOutput
from agents.embedded.live import Clock
from agents.embedded.outputs.body import body_of, outbox_of
from agents.embedded.outputs.outbox import Ticket, wait
from agents.embedded.rows import Cursor, Dead, Place
from agents.embedded.store import Store
from pipeline.sources.base import Refused
from pipeline.sources.normalise import dead_letter
from schemas.base import BadRecord
from schemas.event import RawRecord

LOG = logging.getLogger(__name__)
TOGETHER = 50
SLOWEST = 300
"""Longest wait between two tries, in seconds."""
REFUSED = frozenset({400, 413, 415, 422})
"""Answers that say that this body will never be taken: all others may be different another time."""


class Unwelcome(Exception):
    """The receiver will never take this body."""


class Webhook:
    """One receiver. The next version is not sent before this one was taken, so that they arrive in order."""

    def __init__(self, settings: WebhookOutput, store: Store, now: Clock) -> None:
        self._settings = settings
        self._store, self._now = store, now
        self._since = f"first try of {settings.format} {settings.url}"
        self._secret = Path(settings.secret_file).read_bytes().strip() if settings.secret_file else b""
        self.outbox = outbox_of(settings, store, f"webhook {settings.format} {settings.url}", now)

    async def run(self, changed: asyncio.Event) -> None:
        """Deliver what is new whenever there is, until cancelled."""
        async with httpx.AsyncClient(timeout=self._settings.timeout / 1000) as client:
            while True:
                for ticket in self.outbox.next(TOGETHER):
                    await self._deliver(client, ticket)
                await wait(changed, self.outbox.delay())

    async def _deliver(self, client: httpx.AsyncClient, ticket: Ticket) -> None:
        record = orjson.loads(ticket.value)
        name = f"{record['id']}-{record['version']}"
        body = body_of(self._settings, ticket.value)
        key = f"{name}-{ticket.again}" if ticket.again else name
        headers = {"content-type": "application/json", "idempotency-key": key, "x-tocsin-reason": ticket.reason}
        if self._secret:
            headers["x-tocsin-signature"] = sign(self._secret, body)
        try:
            async for attempt in self._tries(ticket):
                with attempt:
                    await self._post(client, body, headers)
        except (httpx.HTTPError, Unwelcome) as error:
            LOG.error("%s did not take %s: %s", self._settings.url, name, error)
            self.outbox.give_up(ticket, self._letter(ticket.place, body, str(error) or type(error).__name__))
        else:
            self.outbox.done([ticket])

    async def _post(self, client: httpx.AsyncClient, body: bytes, headers: dict[str, str]) -> None:
        answer = await client.post(self._settings.url, content=body, headers=headers)
        if answer.status_code in REFUSED:
            raise Unwelcome(f"answered {answer.status_code}: {answer.text[:200]}")
        answer.raise_for_status()

    def _tries(self, ticket: Ticket) -> AsyncRetrying:
        """Tries until too much time has passed since the first one, restarts included."""
        began = self._store.find_cursor(self._since)
        if began is None or began.mark != ticket.mark:
            began = Cursor(self._since, self._now(), ticket.mark)
        first = began
        left = max(began.position + self._settings.give_up - self._now(), 0)
        return AsyncRetrying(
            retry=retry_if_exception_type(httpx.HTTPError),
            stop=stop_after_delay(left / 1000),
            wait=wait_exponential(multiplier=0.5, max=SLOWEST) + wait_random(0, 1),
            before_sleep=lambda _: self._store.set_cursors(first),
            reraise=True,
        )

    def _letter(self, place: Place, body: bytes, detail: str) -> Dead:
        raw = RawRecord(source="webhook", received=self._now(), payload=body, origin=self._settings.url)
        letter = dead_letter(raw, Refused(BadRecord("undelivered", detail), body))
        return Dead(letter.id, place.seq, letter.reason, letter.to_json())


def sign(secret: bytes, body: bytes) -> str:
    """Signature of a body: HMAC-SHA256 in hexadecimal, as "sha256=..."."""
    return "sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest()
