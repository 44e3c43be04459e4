"""The outputs of a configuration; and the store told whether anybody follows what changes in it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

from agents.config import JsonLinesOutput, OutputTarget, WebhookOutput
from agents.embedded.live import Clock
from agents.embedded.outputs.jsonl import LinesFile
from agents.embedded.outputs.webhook import Webhook
from agents.embedded.store import Store
from agents.index import feed
from agents.index.settings import ElasticsearchOutput
from pipeline.sources.normalise import Normaliser


class Watched(Protocol):
    """How much an output has yet to tell."""

    name: str

    def pending(self) -> int:
        """How much is to be told now."""
        ...


@runtime_checkable
class Stated(Protocol):
    """An output that says how it stands."""

    def states(self) -> Mapping[str, bool]:
        """All states that there are; the one it is in is true."""
        ...


class Output(Protocol):
    """What tells others of what is in the store."""

    @property
    def outbox(self) -> Watched:
        """What it has yet to tell."""
        ...

    async def run(self, changed: asyncio.Event) -> None:
        """Tell what is new whenever `changed` is set, until cancelled."""
        ...


def make_outputs(settings: Sequence[OutputTarget], store: Store, normaliser: Normaliser, now: Clock) -> list[Output]:
    """All outputs, in the order of the configuration. Raises ConfigError."""
    if not any(isinstance(one, ElasticsearchOutput) for one in settings):
        feed.detach(store.path)
    return [_made(one, store, normaliser, now) for one in settings]


def _made(settings: OutputTarget, store: Store, normaliser: Normaliser, now: Clock) -> Output:
    if isinstance(settings, JsonLinesOutput):
        return LinesFile(settings, store, now)
    if isinstance(settings, WebhookOutput):
        return Webhook(settings, store, now)
    from agents.index.output import StoreIndexer

    return StoreIndexer(settings, store, normaliser, now)
