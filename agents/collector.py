"""How the garbage collector of Python is set for a process that keeps much and makes little garbage in cycles."""

from __future__ import annotations

import gc

THRESHOLDS = (50_000, 20, 100)
"""New objects before a collection of the youngest generation; collections of it before one of the next; likewise."""


def settle() -> None:
    """To be called once a process has started: what lives as long as the process is not looked at again.

    The steps make records and drop them, without cycles. At the defaults of Python a quarter of the time goes into
    looking through state that is kept anyway.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
