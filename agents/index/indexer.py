"""The indexer: documents in; it returns once each of them is in Elasticsearch, is there already, or never will be.

It waits out whatever passes (no node, a node that is busy, a full disk, a key that is not accepted) with growing pauses
of random length, says what it waits for, and holds no more than what it was given.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from enum import Enum
from itertools import chain
from typing import NamedTuple, TypeVar

from elastic_transport import TransportError
from elasticsearch import ApiError, Elasticsearch
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, wait_random_exponential

from agents.index import bulk
from agents.index.beside import beside
from agents.index.bulk import Fate, Line, Refusal, Verdict
from agents.index.client import is_block, is_closed, refusal, unanswered
from agents.index.documents import Document
from agents.index.kinds import KINDS, Keeps
from agents.index.known import already_there, rolled_over
from agents.index.members import Members
from agents.index.settings import ElasticsearchOutput
from agents.index.setup import setup, standing

T = TypeVar("T")

LOG = logging.getLogger(__name__)
FIRST_WAIT = 0.2
"""Seconds; the longest of the first pause, which doubles with each further one."""


class State(Enum):
    """What the indexer does now."""

    INDEXING = "indexing"
    NOT_REACHED = "no node answers"
    NOT_ALLOWED = "not let in"
    READ_ONLY = "takes no writes"
    BUSY = "busy"
    NOT_SET_UP = "not set up"


class Health(NamedTuple):
    """The state, and a sentence about it."""

    state: State
    detail: str = ""


class Wait(Exception):
    """Not now."""

    def __init__(self, health: Health) -> None:
        super().__init__(health.detail)
        self.health = health


Bury = Callable[[Sequence[Refusal]], None]


class Indexer:
    """Writes to one cluster. `bury` is given, in the event loop, what will never be taken."""

    def __init__(self, client: Elasticsearch, settings: ElasticsearchOutput, bury: Bury) -> None:
        self._client, self._settings, self._bury = client, settings, bury
        self._free = asyncio.Semaphore(settings.requests)
        self._members = Members(client, settings)
        self.health = Health(State.INDEXING)
        self.counts: Counter[str] = Counter()
        """Documents by their fate, `requests`, and `waits`."""

    async def write(self, documents: Sequence[Document], *, doubtful: bool = False) -> None:
        """Write documents, until cancelled. `doubtful`: some of them may have been written before.

        Nobody else holds them: forget them only when this has returned.
        """
        rows: list[Document] = []
        await self._until_done(lambda: self._expanded(documents, rows))
        lines = self._fitting(chain(documents, rows))  # of a part only when it is sent: the first one waits for none
        async with asyncio.TaskGroup() as group:
            for part in bulk.parts(lines, self._settings.bulk_documents, self._settings.bulk_bytes):
                await self._free.acquire()
                group.create_task(self._send(part, doubtful=doubtful)).add_done_callback(lambda _: self._free.release())

    def _fitting(self, documents: Iterable[Document]) -> Iterator[Line]:
        """Lines of what can be sent; the rest is refused."""
        for document in documents:
            one = bulk.line(self._settings, document)
            if one.size <= self._settings.document_bytes:
                yield one
            else:
                self._refuse([self._too_large(one)])

    def forget(self) -> None:
        """Others may write from now on: what is remembered of the members of incidents may not hold any more."""
        self._members = Members(self._client, self._settings)

    async def ready(self) -> None:
        """Wait until everything is there that documents are written to, making it where that is wanted."""
        await self._until_done(lambda: self._call(self._prepare))

    def _prepare(self) -> None:
        found = standing(self._client, self._settings)
        if self._settings.setup and any(one.state != "ready" for one in found):
            setup(self._client, self._settings)
            found = standing(self._client, self._settings)
        for one in found:
            if one.state != "ready":
                todo = "setup" if one.state == "missing" else "migrate"
                text = f"{one.target.name} is {one.state}; run `tocsin index {todo}`"
                raise Wait(Health(State.NOT_SET_UP, text))

    # -- one request -----------------------------------------------------------------------------------------------

    async def _send(self, part: list[Line], *, doubtful: bool) -> None:
        left = _Left(part, doubtful)
        await self._until_done(lambda: self._attempt(left))

    async def _attempt(self, left: _Left) -> None:
        """Try what is left; raises Wait where something still is."""
        if left.doubtful:
            left.lines = await self._call(lambda: self._unknown(left.lines))
        if not left.lines:
            return
        left.doubtful = True  # until there is an answer
        try:
            verdicts = await self._call(lambda: bulk.post(self._client, left.lines))
        except ApiError as error:
            await self._split(left.lines, error)
            return
        left.doubtful = False
        self.counts["requests"] += 1
        left.lines = self._settle(left.lines, verdicts)

    def _settle(self, lines: list[Line], verdicts: list[Verdict]) -> list[Line]:
        """Count what is done and bury what is refused; raises Wait with what is to be tried again."""
        refused = []
        later: list[tuple[Line, Verdict]] = []
        for one, found in zip(lines, verdicts, strict=True):
            if found.fate is Fate.LATER:
                later.append((one, found))
                continue
            self.counts[found.fate.value] += 1
            if found.fate is Fate.REFUSED:
                refused.append(Refusal(one.document, found.reason, found.detail))
        self._refuse(refused)
        lines[:] = [one for one, _ in later]
        if later:
            raise Wait(_health_of(later[0][1]))
        return []

    async def _split(self, lines: list[Line], error: ApiError) -> None:
        """A request that is refused as a whole is halved, until it is known which document it was."""
        if len(lines) == 1:
            self.counts[Fate.REFUSED.value] += 1
            self._refuse([Refusal(lines[0].document, _code(error), refusal(error))])
            return
        middle = len(lines) // 2
        for half in (lines[:middle], lines[middle:]):
            await self._send(half, doubtful=False)

    def _unknown(self, lines: list[Line]) -> list[Line]:
        """Without the history that is there already: an id is looked at only in the newest index of a data stream."""
        there: set[tuple[str, str]] = set()
        kinds = {one.document.kind for one in lines if KINDS[one.document.kind].keeps is Keeps.ALL}
        streams = {self._settings.name(KINDS[kind].target): kind for kind in kinds}
        for name in streams.keys() & (rolled_over(self._client, self._settings.prefix) if streams else set()):
            kind = streams[name]
            ids = [one.document.id for one in lines if one.document.kind == kind]
            there |= {(kind, found) for found in already_there(self._client, name, ids)}
        self.counts[Fate.REPEATED.value] += len(there)
        return [one for one in lines if (one.document.kind, one.document.id) not in there]

    # -- waiting ---------------------------------------------------------------------------------------------------

    async def _expanded(self, documents: Sequence[Document], found: list[Document]) -> None:
        found += await self._call(lambda: self._members.of(documents))

    async def _until_done(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do something again and again until it raises no Wait."""
        tries = AsyncRetrying(
            retry=retry_if_exception_type(Wait),
            wait=wait_random_exponential(multiplier=FIRST_WAIT, max=self._settings.slowest / 1000),
            before_sleep=self._wait,
            reraise=True,
        )
        async for attempt in tries:
            with attempt:
                await work()
        self._is(Health(State.INDEXING))

    async def _call(self, work: Callable[[], T]) -> T:
        """Do something with the client beside the event loop; what passes becomes a Wait."""
        try:
            return await beside(work)
        except TransportError as error:
            raise Wait(Health(State.NOT_REACHED, unanswered(error))) from error
        except ApiError as error:
            state = _passing(error)
            if state is None:
                raise
            raise Wait(Health(state, refusal(error))) from error

    def _wait(self, tried: RetryCallState) -> None:
        error = tried.outcome.exception() if tried.outcome is not None else None
        if isinstance(error, Wait):
            self.counts["waits"] += 1
            self._is(error.health)

    def _is(self, health: Health) -> None:
        """Say how it stands, once for each change."""
        if health.state is not self.health.state:
            if health.state is State.INDEXING:
                LOG.info("Elasticsearch takes documents again")
            else:
                LOG.warning("Elasticsearch: %s, waiting: %s", health.state.value, health.detail)
        self.health = health

    # -- what is never taken ---------------------------------------------------------------------------------------

    def _too_large(self, one: Line) -> Refusal:
        self.counts[Fate.REFUSED.value] += 1
        most = self._settings.document_bytes
        return Refusal(one.document, bulk.TOO_LARGE, f"{one.size} bytes; document_bytes is {most}")

    def _refuse(self, refused: Iterable[Refusal]) -> None:
        found = list(refused)
        for one in found:
            LOG.error("%s %s is not indexed: %s: %s", one.document.kind, one.document.id, one.reason, one.detail)
        if found:
            self._bury(found)


class _Left:
    """What of one request is still to be done."""

    def __init__(self, lines: list[Line], doubtful: bool) -> None:
        self.lines, self.doubtful = lines, doubtful


_BUSY = frozenset({429, 500, 502, 503, 504})
_STATES = {bulk.BLOCKED: State.READ_ONLY, bulk.MISSING: State.NOT_SET_UP, bulk.NOT_ALLOWED: State.NOT_ALLOWED}


def _passing(error: ApiError) -> State | None:
    """What a refusal of a whole request means where it may be different another time."""
    if is_block(error.body):
        return State.READ_ONLY
    if error.status_code in (401, 403):
        return State.NOT_ALLOWED
    if error.status_code in _BUSY or is_closed(error.body):
        return State.BUSY
    return State.NOT_SET_UP if error.status_code == 404 else None


def _health_of(found: Verdict) -> Health:
    """What a refusal of one document means that may be different another time."""
    return Health(_STATES.get(found.reason, State.BUSY), found.detail)


def _code(error: ApiError) -> str:
    return bulk.TOO_LARGE if error.status_code == 413 else str(error.status_code)
