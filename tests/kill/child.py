"""A host to be killed: `python -m tests.kill.child RECORDING STORE EVERY` replays until the recording has ended.

Reference data is read from items.json beside the recording. "ready" is printed before the store is opened.
"""

from __future__ import annotations

import sys
from pathlib import Path

from agents import recording
from agents.embedded.host import Host
from agents.embedded.store import Store
from agents.reference_files import load_all
from pipeline.flow import Flow
from pipeline.settings import FlowSettings
from pipeline.sources.normalise import Normaliser
from pipeline.sources.registry import SOURCES, make_source


def main(recorded: str, path: str, every: str) -> None:
    """Go on where the last one was."""
    records = load_all([str(Path(recorded).with_name("items.json"))])
    print("ready", flush=True)
    store = Store(path)
    normaliser = Normaliser({name: make_source(name) for name in SOURCES})
    host = Host(Flow(FlowSettings()), normaliser, store, int(every))
    host.refer(records, 0)
    host.replay("replay", recording.read(recorded))
    store.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
