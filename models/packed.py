"""Arrays of numbers as short plain text, exactly."""

from __future__ import annotations

import sys
from array import array
from binascii import a2b_base64, b2a_base64
from typing import Any


def pack(numbers: array[Any]) -> str:
    """Base64 of the numbers, little-endian on every machine."""
    if sys.byteorder == "big":
        numbers = numbers[:]
        numbers.byteswap()
    return b2a_base64(numbers.tobytes(), newline=False).decode("ascii")


def unpack(code: str, text: str) -> array[Any]:
    """The inverse of `pack`, for an array of that type code."""
    numbers: array[Any] = array(code)
    numbers.frombytes(a2b_base64(text))
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers
