"""Who may ask a host by HTTP, and in which role: a file with a line for each token.

    # name     roles                 token
    kim        operator,specialist   3f0c...
    tickets    integration           9b71...

Tokens are never shown: a fault of the file is told by its line alone.
"""

from __future__ import annotations

from hashlib import sha256
from hmac import compare_digest
from pathlib import Path
from typing import NamedTuple

from schemas.base import ConfigError
from schemas.command import Role

SHORTEST = 16
"""Characters of a token; `openssl rand -hex 32` makes 64."""
BEARER = "bearer"


class Holder(NamedTuple):
    """Whose token it is, and the roles it gives, the usual one first."""

    name: str
    roles: tuple[Role, ...]


class Tokens:
    """The tokens of one file, as digests."""

    def __init__(self, holders: list[tuple[bytes, Holder]]) -> None:
        self._holders = holders

    def holder(self, authorization: str) -> Holder | None:
        """Whose token an Authorization header carries, None where nobody's. Takes as long whichever it is."""
        scheme, _, token = authorization.partition(" ")
        given = _digest(token.strip())
        found = None
        for digest, holder in self._holders:
            if compare_digest(digest, given):
                found = holder
        return found if scheme.lower() == BEARER else None


def load(path: str) -> Tokens:
    """Read a file of tokens. Raises ConfigError that names the line."""
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: can't be read: {getattr(error, 'strerror', None) or 'not UTF-8'}") from None
    holders: dict[bytes, Holder] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        digest, holder = _read(f"{path}:{number}", line.split())
        if digest in holders:
            raise ConfigError(f"{path}:{number}: the token of {holder.name} is that of {holders[digest].name} too")
        holders[digest] = holder
    if not holders:
        raise ConfigError(f"{path}: holds no token; a line of it is: name roles token")
    return Tokens(list(holders.items()))


def load_token(path: str) -> str:
    """The token of one client: the only word in a file. Raises ConfigError."""
    try:
        words = Path(path).read_text(encoding="utf-8").split()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: can't be read: {getattr(error, 'strerror', None) or 'not UTF-8'}") from None
    if len(words) != 1:
        raise ConfigError(f"{path}: must hold a token and nothing else; it holds {len(words)} words")
    return words[0]


def _read(place: str, words: list[str]) -> tuple[bytes, Holder]:
    if len(words) != 3:
        raise ConfigError(f"{place}: needs three words, name roles token; found {len(words)}")
    name, roles, token = words
    known = [role.value for role in Role]
    wrong = [role for role in roles.split(",") if role not in known]
    if wrong:
        raise ConfigError(f"{place}: the second word is roles with commas between them; known: {', '.join(known)}")
    if len(token) < SHORTEST:
        raise ConfigError(f"{place}: the token of {name} has {len(token)} characters; {SHORTEST} is the least")
    return _digest(token), Holder(name, tuple(Role(role) for role in roles.split(",")))


def _digest(token: str) -> bytes:
    return sha256(token.encode()).digest()
