"""One host for a store: two would number their inputs alike, and each would overwrite the other's state."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from schemas.base import ConfigError


class Lock:
    """Held until it is released or the process ends, however it ends. Raises ConfigError where another one has it.

    Who holds it may write into the file where it can be asked; who is refused is told that.
    """

    def __init__(self, path: str) -> None:
        # A file of its own: closing any descriptor of the store itself would drop SQLite's locks on it.
        self._path = Path(f"{path}.lock")
        while True:
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                url = os.read(self._file, 1024).decode(errors="replace")
                os.close(self._file)
                how = f"ask it with --url {url}" if url else "it has no http input to be asked by"
                raise ConfigError(f"store.path: a host is running on {path}; {how}, or stop it first") from None
            if self._is_current():
                self.announce("")  # the last one may have been killed
                return
            os.close(self._file)  # it was removed between the two calls: take the new one

    def announce(self, url: str) -> None:
        """Say where the holder can be asked."""
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, url.encode(), 0)

    def _is_current(self) -> bool:
        try:
            return os.fstat(self._file).st_ino == self._path.stat().st_ino
        except FileNotFoundError:
            return False

    def release(self) -> None:
        """Let others have it; a second call does nothing."""
        if self._file >= 0:
            self._path.unlink(missing_ok=True)
            os.close(self._file)
            self._file = -1
