"""Severities, worst first, in the terms of ITU-T X.733."""

from __future__ import annotations

from enum import StrEnum


class Severity(StrEnum):
    """How bad the sender says it is. Ordered by `RANK`; "info" is never a problem."""

    CRITICAL = "critical"
    MAJOR = "major"
    MINOR = "minor"
    WARNING = "warning"
    INFO = "info"


RANK: dict[str, int] = {"critical": 5, "major": 4, "minor": 3, "warning": 2, "info": 1}
"""Severity to rank; the higher the worse."""

BY_RANK: dict[int, Severity] = {rank: Severity(name) for name, rank in RANK.items()}
