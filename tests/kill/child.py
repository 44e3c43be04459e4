"""A host to be killed: `python -m tests.kill.child RECORDING STORE EVERY` replays until the recording has ended.

Reference data is read from items.json beside the recording. Rules, silences and inhibitions are in force, and while it
replays people ask for things (see `asks`). "ready" is printed before the store is opened.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

from agents import recording
from agents.embedded.host import Host
from agents.embedded.rows import Cursor
from agents.embedded.store import Store
from agents.reference_files import load_all
from pipeline.flow import Flow
from pipeline.settings import FlowSettings
from pipeline.sources.normalise import Normaliser
from pipeline.sources.registry import SOURCES, make_source
from schemas.event import RawRecord
from tests.kill.asks import asks, at_the_start

READ, ASKED = "replay", "asked"
ASK_EVERY = 4
"""Batches between two moments at which something is asked."""


def main(recorded: str, path: str, every: str) -> None:
    """Go on where the last one was."""
    records = load_all([str(Path(recorded).with_name("items.json"))])
    first = next(recording.read(recorded)).received
    print("ready", flush=True)
    store = Store(path)
    normaliser = Normaliser({name: make_source(name) for name in SOURCES})
    host = Host(Flow(FlowSettings()), normaliser, store, int(every))
    host.pump()
    if not store.cursor(READ):  # what is asked later changes them
        host.refer([*records, *at_the_start(first)], 0)
    _replay(host, recording.read(recorded), int(every))
    store.close()


def _replay(host: Host, raws: Iterable[RawRecord], every: int) -> None:
    """As `Host.replay`, and ask in between: what was read or asked is kept with how far that was."""
    at = host.store.cursor(READ)
    rest = islice(raws, at, None)
    while True:
        _ask(host, at // every)
        batch = list(islice(rest, every))
        if not batch:
            break
        at += len(batch)
        host.receive(batch, Cursor(READ, at))
        host.pump()
    host.finish(READ)


def _ask(host: Host, batches: int) -> None:
    if batches and batches % ASK_EVERY == 0 and host.store.cursor(ASKED) < batches:
        host.keep(asks(host, batches // ASK_EVERY), [Cursor(ASKED, batches)])
        host.pump()


if __name__ == "__main__":
    main(*sys.argv[1:])
