"""The embedded host's output to Elasticsearch: it goes on from where it was left, whatever happens in between."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from agents.embedded.live import Clock
from agents.embedded.rows import Cursor, Dead
from agents.embedded.store import Store
from agents.index import feed
from agents.index.bulk import Refusal
from agents.index.client import connect
from agents.index.documents import Document
from agents.index.indexer import Indexer, State
from agents.index.lanes import Batch, Lanes, Read
from agents.index.progress import RANGES, Progress
from agents.index.refused import letter_of
from agents.index.settings import ElasticsearchOutput
from pipeline.sources.normalise import Normaliser


class Round(NamedTuple):
    """What was read of all lanes by turns."""

    documents: list[Document]
    cursors: list[Cursor]
    doubtful: bool
    rows: int


class StoreIndexer:
    """Keeps one cluster in step with one store."""

    def __init__(
        self, settings: ElasticsearchOutput, store: Store, normaliser: Normaliser, now: Clock, *, again: bool = False
    ) -> None:
        """`again`: from the beginning, whatever has been written before."""
        feed.attach(store.path)
        self._settings, self._store, self._now = settings, store, now
        self._normaliser = normaliser
        self.name = f"elasticsearch {settings.prefix} {settings.nodes[0]}"
        self.client = connect(settings)
        self.indexer = Indexer(self.client, settings, self._bury)
        self._watch = Lanes(store.path, normaliser)  # for this thread; another one reads
        self._reading = ThreadPoolExecutor(1, thread_name_prefix="index")
        self._lanes: Lanes | None = None
        self._progress = Progress(store, f"{settings.prefix} {settings.nodes[0]}", self._ends(), again=again)
        self._unwritten = 0

    @property
    def outbox(self) -> StoreIndexer:
        """What is yet to be told, for those who watch outputs."""
        return self

    def pending(self) -> int:
        """How much of the store is not indexed yet."""
        ends = self._ends()
        left = (
            self._watch.waiting(one.lane, one.after, min(one.upto, ends[one.lane]))
            for one in self._progress.ranges.values()
        )
        return self._unwritten + sum(left)

    def states(self) -> dict[str, bool]:
        """All states of the indexer; the one it is in is true."""
        return {state.value: state is self.indexer.health.state for state in State}

    async def run(self, changed: asyncio.Event) -> None:
        """Index what is new whenever there is, until cancelled."""
        try:
            await self.indexer.ready()
            while True:
                await self._to_the_end()
                await changed.wait()
                changed.clear()
                await asyncio.sleep(self._settings.wait / 1000)
        finally:
            self._close()

    async def catch_up(self) -> None:
        """Index all there is now, and end."""
        try:
            await self.indexer.ready()
            await self._to_the_end()
        finally:
            self._close()

    async def _to_the_end(self) -> None:
        """Round by round, until nothing is left: the next one is read while one is written."""
        found = await self._read()
        while found.rows:
            ahead = asyncio.create_task(self._read())
            try:
                await self._write(found)
            finally:
                await asyncio.wait({ahead})  # a thread can't be stopped
            found = ahead.result()
            if not found.rows:
                self._store.set_cursors(*found.cursors)
                found = await self._read()  # what was refused while that was read became dead letters, which are new
        self._store.set_cursors(*found.cursors)

    async def _write(self, found: Round) -> None:
        await self.indexer.write(found.documents, doubtful=found.doubtful)
        self._store.set_cursors(*found.cursors)
        self._unwritten -= found.rows

    # -- reading ---------------------------------------------------------------------------------------------------

    async def _read(self) -> Round:
        """Some of every range that has more, so that none waits for another."""
        ends = self._ends()
        cursors = self._progress.split(ends)
        ranges = [one for one in self._progress.ranges.values() if one.after < min(one.upto, ends[one.lane])]
        share = max(self._settings.round_documents // max(len(ranges), 1), 1)
        documents: list[Document] = []
        rows, doubtful = 0, False
        for one in ranges:
            doubtful = doubtful or self._progress.doubtful(one)
            upto = min(one.upto, ends[one.lane])
            batch = await asyncio.get_running_loop().run_in_executor(
                self._reading, self._read_lane, one.lane, one.after, upto, share
            )
            cursors.append(self._progress.read(one, batch.position))
            documents += batch.documents
            rows += batch.rows
            self._unwritten += batch.rows
        return Round(documents, cursors, doubtful, rows)

    def _read_lane(self, lane: str, after: int, upto: int, most: int) -> Batch:
        if self._lanes is None:
            self._lanes = Lanes(self._store.path, self._normaliser, self._settings.round_bytes // RANGES)
        read: Read = getattr(self._lanes, lane)
        return read(after, upto, most)

    def _ends(self) -> dict[str, int]:
        ends = {"changes": self._watch.changes_end(), "history": self._watch.history_end()}
        return {**ends, "events": self._watch.events_end()} if self._settings.events else ends

    def _close(self) -> None:
        if self._lanes is not None:
            self._reading.submit(self._lanes.close).result()
        self._reading.shutdown()
        self._lanes = None
        self.client.close()

    # -- what is never taken ---------------------------------------------------------------------------------------

    def _bury(self, refused: Sequence[Refusal]) -> None:
        """Keep it as a dead letter; one that is a dead letter already is in the store anyway."""
        for one in refused:
            if one.document.kind != "dead":
                letter = letter_of(one, self._now())
                self._store.bury(Dead(letter.id, 0, letter.reason, letter.to_json()))
