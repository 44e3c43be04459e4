"""Arrays of numbers as bytes, exactly."""

from __future__ import annotations

import sys
from array import array
from binascii import a2b_base64, b2a_base64
from typing import Any


def pack(numbers: array[Any]) -> bytes:
    """The bytes of the numbers, little-endian on every machine."""
    if sys.byteorder == "big":
        numbers = numbers[:]
        numbers.byteswap()
    return numbers.tobytes()


def unpack(code: str, packed: bytes) -> array[Any]:
    """The inverse of `pack`, for an array of that type code."""
    numbers: array[Any] = array(code, packed)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


def text(packed: object) -> str:
    """Packed numbers as text, for JSON; a `default` for those who write it. Raises TypeError for anything else."""
    if not isinstance(packed, bytes):
        raise TypeError(f"a state holds plain data, not {type(packed).__name__}")
    return b2a_base64(packed, newline=False).decode("ascii")


def untexted(state: Any) -> Any:
    """A state as it was before its bytes became text; it holds no other text."""
    if isinstance(state, list):
        return [untexted(one) for one in state]
    return a2b_base64(state) if isinstance(state, str) else state
