"""What a judgement means, in words a person can read at three in the morning."""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan

from models.detector import Detector, Judgement
from models.features import FEATURES

_BLOCKS = "▁▂▃▄▅▆▇█"
_SECOND, _MINUTE, _HOUR, _DAY = 1_000, 60_000, 3_600_000, 86_400_000


def reason(detector: Detector, judgement: Judgement) -> str:
    """The feature that was most surprised, in words; "" where none was."""
    weighed = [abs(part) * weight for part, weight in zip(judgement.parts, detector.weights.values(), strict=True)]
    most = max(range(len(weighed)), key=weighed.__getitem__)
    if weighed[most] == 0.0:
        return ""
    up, down = FEATURES[detector.names[most]].words
    return up if judgement.parts[most] > 0.0 else down


def picture(means: Sequence[float]) -> str:
    """A small picture of some values; a blank where there is none."""
    known = [mean for mean in means if not isnan(mean)]
    if not known:
        return ""
    low, high = min(known), max(known)
    width = (high - low) or 1.0
    return "".join(" " if isnan(mean) else _BLOCKS[min(int((mean - low) / width * 8.0), 7)] for mean in means)


def number(value: float) -> str:
    """A number with three digits that matter."""
    return f"{value:.3g}" if abs(value) < 1e4 else f"{value:,.0f}" if abs(value) < 1e7 else f"{value:.3e}"


def span(millis: int) -> str:
    """A length of time in the unit that suits it."""
    for unit, name in ((_DAY, "days"), (_HOUR, "hours"), (_MINUTE, "minutes")):
        if millis >= 2 * unit:
            return f"{millis / unit:.0f} {name}"
    return f"{millis / _SECOND:.0f} seconds"
