"""The client of Elasticsearch, made in one place; and what its errors mean to us."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import elastic_transport
from elasticsearch import ApiError, Elasticsearch

from agents.index.settings import ElasticsearchOutput
from schemas.base import ConfigError


def connect(settings: ElasticsearchOutput) -> Elasticsearch:
    """A client; it reaches nobody yet. Raises ConfigError for a file that does not hold what it should."""
    options: dict[str, Any] = {}
    if settings.api_key_file:
        options["api_key"] = _secret(settings.api_key_file, "api_key_file")
    elif settings.username:
        options["basic_auth"] = (settings.username, _secret(settings.password_file, "password_file"))
    if settings.ca_file:
        options["ca_certs"] = settings.ca_file
    if settings.certificate_file:
        options["client_cert"] = settings.certificate_file
        options["client_key"] = settings.key_file or settings.certificate_file
    try:
        return Elasticsearch(
            list(settings.nodes),
            request_timeout=settings.timeout / 1000,
            http_compress=settings.compress,
            connections_per_node=settings.requests + 2,
            max_retries=max(len(settings.nodes) - 1, 0),  # another node at once; the rest is for who waits
            retry_on_timeout=False,
            **options,
        )
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        raise ConfigError(f"Elasticsearch: the TLS files can't be used: {error}") from error


def _secret(path: str, key: str) -> str:
    try:
        found = Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{key}: {path}: cannot be read: {error}") from error
    if not found:
        raise ConfigError(f"{key}: {path} is empty")
    return found


@contextmanager
def told(settings: ElasticsearchOutput) -> Iterator[None]:
    """Turn what the client raises into one ConfigError that says what to look at."""
    try:
        yield
    except ApiError as error:
        raise ConfigError(f"Elasticsearch at {_where(settings)}: {refusal(error)}") from error
    except elastic_transport.TransportError as error:
        raise ConfigError(f"no Elasticsearch answers at {_where(settings)}: {unanswered(error)}") from error


def refusal(error: ApiError) -> str:
    """What a node said, in one line."""
    if error.status_code in (401, 403) and not is_block(error.body):
        return denied(error.status_code, reason_of(error.body))
    return f"{error.status_code}, {reason_of(error.body)}"


def denied(status: int, reason: str) -> str:
    """Why we were not let in, in one line."""
    if status == 401:
        return "401, who we are was not accepted; see api_key_file, or username and password_file"
    return f"403, what we are may not do this; {reason}"


def unanswered(error: elastic_transport.TransportError) -> str:
    """Why nobody answered, in one line."""
    return str(error.message).splitlines()[0][:300] if error.message else type(error).__name__


def is_block(body: object) -> bool:
    """Whether an error says that an index takes no writes now (a full disk, a migration)."""
    return isinstance(body, dict) and _error(body).get("type") == "cluster_block_exception"


def is_closed(body: object) -> bool:
    """Whether an error says that somebody closed an index."""
    return isinstance(body, dict) and _error(body).get("type") == "index_closed_exception"


def reason_of(body: object) -> str:
    """The type and the reason of an error, with its innermost cause."""
    if not isinstance(body, dict):
        return str(body)[:300]
    error = _error(body)
    said = f"{error.get('type', '')}: {error.get('reason', '')}"
    while isinstance(error.get("caused_by"), dict):
        error = error["caused_by"]
        said = f"{said} ({error.get('reason', '')})"
    return said[:500]


def _error(body: dict[str, Any]) -> dict[str, Any]:
    error = body.get("error", body)
    return error if isinstance(error, dict) else {"reason": str(error)}


def _where(settings: ElasticsearchOutput) -> str:
    return ", ".join(settings.nodes)
