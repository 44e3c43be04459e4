"""An adjacency matrix of devices as reference data: `python -m benchmarks.topology Topology.npy --out DIR`."""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np


def links_in(matrix: Path) -> tuple[int, list[tuple[int, int]]]:
    """Number of devices, and every pair that the matrix (devices x devices, not 0 where linked) links, low end first.

    Raises ValueError if it is not square.
    """
    linked = np.load(matrix, allow_pickle=False) != 0
    if linked.ndim != 2 or linked.shape[0] != linked.shape[1]:
        raise ValueError(f"{matrix}: needs a square matrix, this one is {linked.shape}")
    pairs = np.argwhere(np.triu(linked | linked.T, k=1))
    return linked.shape[0], [(int(one), int(two)) for one, two in pairs]


def write_reference(matrix: Path, folder: Path) -> tuple[Path, Path]:
    """Write items.csv and relations.csv into a folder, and return their paths.

    A link has no direction: the traffic of either end may go through the other, so each needs the other.
    """
    count, links = links_in(matrix)
    folder.mkdir(parents=True, exist_ok=True)
    items, relations = folder / "items.csv", folder / "relations.csv"
    _write(items, ("id", "name", "kind"), ((f"dev-{n}", f"Device {n}", "radio") for n in range(count)))
    both = ((f"dev-{a}", f"dev-{b}", "connects_to") for pair in links for a, b in (pair, pair[::-1]))
    _write(relations, ("source", "target", "kind"), both)
    return items, relations


def _write(path: Path, header: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def main(given: list[str] | None = None) -> int:
    """Convert one matrix."""
    parser = argparse.ArgumentParser(description="Make items.csv and relations.csv of an adjacency matrix of devices.")
    parser.add_argument("matrix", type=Path, help="a .npy file, devices x devices")
    parser.add_argument("--out", type=Path, default=Path(), help="the folder to write into; this one")
    options = parser.parse_args(given)
    for path in write_reference(options.matrix, options.out):
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
