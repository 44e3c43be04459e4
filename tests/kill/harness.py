"""Runs the child, kills it at random moments, and compares what it left with what an undisturbed one leaves."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from random import Random
from time import perf_counter
from typing import Any, NamedTuple

from agents.simulate import Day, write_day

ROOT = Path(__file__).resolve().parents[2]
ORDERS = {"state": "tab, key", "records": "kind, id", "history": "seq, n", "dead": "seq, id"}
"""The tables that are compared, and what orders their rows."""
SHOWN = 5


class Killed(NamedTuple):
    """How a disturbed run went: the number of the last input handled, at each kill."""

    applied: list[int]
    restarts: int


def make_recording(day: Day, folder: Path, lines: int | None = None) -> Path:
    """Write the first lines of a day, with its items and changes; the path of the recording."""
    write_day(day._replace(lines=day.lines[:lines]), folder)
    return folder / "day.ndjson.gz"


@contextmanager
def _child(recording: Path, store: Path, every: int) -> Iterator[subprocess.Popen[str]]:
    """A child that is ready to open its store; whatever happens, it is gone afterwards."""
    command = [sys.executable, "-m", "tests.kill.child", str(recording), str(store), str(every)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdout=pipe, stderr=pipe, text=True) as process:
        try:
            assert process.stdout is not None
            if process.stdout.readline() != "ready\n":
                raise RuntimeError(f"the child did not start: {process.communicate()[1]}")
            yield process
        finally:
            process.kill()


def _finish(process: subprocess.Popen[str]) -> None:
    _, errors = process.communicate()
    if process.returncode != 0:
        raise RuntimeError(f"the child ended with {process.returncode}: {errors}")


def undisturbed(recording: Path, store: Path, every: int) -> float:
    """Replay in one go; the seconds it took from ready to its end."""
    with _child(recording, store, every) as process:
        begin = perf_counter()
        _finish(process)
        return perf_counter() - begin


def disturbed(recording: Path, store: Path, every: int, moments: list[float]) -> Killed:
    """Replay with a kill after each of some numbers of seconds, then to the end; one that ends sooner is no kill."""
    applied: list[int] = []
    restarts = 0
    for seconds in moments:
        with _child(recording, store, every) as process:
            restarts += 1
            try:
                process.wait(seconds)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()
                applied.append(last_applied(store))
            else:
                _finish(process)
                break
    with _child(recording, store, every) as process:
        _finish(process)
    return Killed(applied, restarts)


def moments(random: Random, kills: int, seconds: float) -> list[float]:
    """Lives of the children to be killed, that together are shorter than an undisturbed run most of the time."""
    return [random.uniform(0, 1.4 * seconds / kills) for _ in range(kills)]


def last_applied(store: Path) -> int:
    """The number of the last input that a checkpoint holds; 0 where there is none yet."""
    with closing(sqlite3.connect(store)) as db:
        try:
            row = db.execute("SELECT value FROM meta WHERE name = 'applied'").fetchone()
        except sqlite3.OperationalError:  # killed before there were tables
            return 0
    return int(row[0]) if row else 0


def dump(store: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of the tables that hold what came out."""
    with closing(sqlite3.connect(store)) as db:
        return {
            table: db.execute(f"SELECT * FROM {table} ORDER BY {order}").fetchall() for table, order in ORDERS.items()
        }


def differences(one: Path, other: Path) -> list[str]:
    """The first rows of each table that only one of two stores has; none where they are the same byte for byte."""
    found = []
    left, right = dump(one), dump(other)
    for table in ORDERS:
        mine, yours = set(left[table]), set(right[table])
        found += [f"{table} first: {row}" for row in left[table] if row not in yours][:SHOWN]
        found += [f"{table} second: {row}" for row in right[table] if row not in mine][:SHOWN]
        if left[table] != right[table] and mine == yours:
            found.append(f"{table}: the same rows, another number of times")
    return found
