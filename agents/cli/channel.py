"""The ways to a flow: over HTTP of a running host, through Kafka, and through the store of a host at rest."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

import httpx

from agents import loader
from agents.cli.asking import Channel
from agents.cli.desk import find, opened
from agents.config import Config
from agents.embedded.host import Host
from agents.embedded.store import Store
from agents.embedded.tokens import load_token
from agents.source_files import make_sources
from agents.stream.settings import KafkaSettings
from pipeline.flow import Flow
from pipeline.sources.normalise import Normaliser
from schemas.alert import Alert
from schemas.base import ConfigError
from schemas.command import Command, Reply
from schemas.event import DeadLetter, RawRecord
from schemas.incident import Incident

if TYPE_CHECKING:
    from agents.stream.asking import KafkaChannel

TIMEOUT = 30.0
REPLIED = (200, 409)
"""Answers that hold a reply: done, and refused by the flow."""


class Received(NamedTuple):
    """What became of one payload: how many events, and what was refused of it."""

    events: int
    refused: list[str]


class HttpChannel:
    """A running host. Raises ConfigError where it cannot be reached or does not understand."""

    def __init__(self, url: str, token_file: str = "") -> None:
        headers = {"authorization": f"Bearer {load_token(token_file)}"} if token_file else {}
        self._client = httpx.Client(base_url=url, timeout=TIMEOUT, headers=headers)

    def send(self, command: Command) -> Reply:
        """See `Channel.send`."""
        try:
            answer = self._client.post("/v1/commands", content=command.model_dump_json(exclude_unset=True))
        except httpx.HTTPError as error:
            raise self._unreachable(error) from error
        if answer.status_code not in REPLIED:
            raise self._refused(answer)
        return Reply.model_validate_json(answer.content)

    def whole(self, incident: str) -> str:
        """See `Channel.whole`."""
        return self._one("incidents", incident, "id")

    def whole_alert(self, alert: str) -> str:
        """See `Channel.whole_alert`."""
        return self._one("alerts", alert, "fingerprint")

    def _one(self, kind: str, start: str, field: str) -> str:
        try:
            answer = self._client.get(f"/v1/{kind}/{start}")
        except httpx.HTTPError as error:
            raise self._unreachable(error) from error
        if answer.status_code != 200:
            raise self._refused(answer)
        return str(answer.json()[field])

    def letter(self, start: str) -> DeadLetter:
        """The one dead letter whose id begins like this; ConfigError where there is none, or several."""
        try:
            answer = self._client.get("/v1/dead", params={"id": start})
        except httpx.HTTPError as error:
            raise self._unreachable(error) from error
        if answer.status_code != 200:
            raise self._refused(answer)
        found = [DeadLetter.model_validate(value) for value in answer.json()]
        if len(found) != 1:
            raise ConfigError(f"{len(found) or 'no'} dead letters of {self._client.base_url} begin with {start!r}")
        return found[0]

    def receive(self, raw: RawRecord) -> None:
        """Hand over one payload; it is in the inbox once this returns."""
        try:
            answer = self._client.post(f"/v1/events/{quote(raw.source, safe='')}", content=raw.payload)
        except httpx.HTTPError as error:
            raise self._unreachable(error) from error
        if answer.status_code != 202:
            raise self._refused(answer)

    def close(self) -> None:
        """Let go of the connection."""
        self._client.close()

    def _refused(self, answer: httpx.Response) -> ConfigError:
        hint = "; name a file with your token by --token-file" if answer.status_code == 401 else ""
        return ConfigError(f"{self._client.base_url} answered {answer.status_code}: {answer.text[:200]}{hint}")

    def _unreachable(self, error: httpx.HTTPError) -> ConfigError:
        return ConfigError(f"{self._client.base_url} cannot be reached: {error}; is a host running there?")


class StoreChannel:
    """The store of a host that is at rest: the command is kept in its inbox and handled at once."""

    def __init__(self, path: str) -> None:
        self._desk = opened(path)
        config = settings_beside(path)
        self._store = Store(path)
        self._sources = Normaliser(make_sources(config.sources))
        self._host = Host(Flow(config.flow), self._sources, self._store)

    def send(self, command: Command) -> Reply:
        """See `Channel.send`."""
        self._host.ask(command)
        self._host.pump()
        reply = next(
            (Reply.model_validate_json(value) for value in self._store.read.history("reply", command.id)), None
        )
        if reply is None:
            raise ConfigError(f"the command {command.id} is in the inbox of {self._store.path}, and was not answered")
        return reply

    def receive(self, raw: RawRecord) -> Received:
        """Take in one payload and handle it at once."""
        before = self._host.flow.counters().get("events", 0)
        decoded = self._sources.normalise(raw)
        self._host.receive([raw])
        self._host.pump()
        after = self._host.flow.counters().get("events", 0)
        return Received(after - before, [str(refused.error) for refused in decoded.refused])

    def whole(self, incident: str) -> str:
        """See `Channel.whole`."""
        return find(Incident, incident, self._desk).id

    def whole_alert(self, alert: str) -> str:
        """See `Channel.whole_alert`."""
        return find(Alert, alert, self._desk).fingerprint

    def close(self) -> None:
        """Let go of the store."""
        self._store.close()


def settings_beside(path: str) -> Config:
    """What a store was made with: `tocsin.yaml` in its folder where that names it, or the defaults."""
    beside = Path(path).parent / "tocsin.yaml"
    if beside.is_file():
        config = loader.load(beside)
        if Path(config.store.path).resolve() == Path(path).resolve():
            return config
    return Config()


@contextmanager
def channel(url: str, token_file: str, store: str, kafka: KafkaSettings | None = None) -> Iterator[Channel]:
    """The way to the host at `url`, else to the workers on Kafka, or to the store where neither is given."""
    way = HttpChannel(url, token_file) if url else _on_kafka(kafka) if kafka else StoreChannel(store)
    try:
        yield way
    finally:
        way.close()


def _on_kafka(settings: KafkaSettings) -> KafkaChannel:
    from agents.stream.asking import KafkaChannel  # its client takes long to import

    return KafkaChannel(settings)
