"""How many of something there are, and a sum over what they say that does not depend on their order."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b

Sum = tuple[int, str]
"""A count, and the sum of the hashes, in hexadecimal."""
_MOST = 1 << 128


def summed(parts: Iterable[bytes]) -> Sum:
    """The sum of some parts: the same for the same parts in any order, each as often as it is there."""
    count = total = 0
    for part in parts:
        count += 1
        total = (total + int.from_bytes(blake2b(part, digest_size=16).digest(), "big")) % _MOST
    return count, f"{total:032x}"
