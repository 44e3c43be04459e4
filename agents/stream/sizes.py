"""How large a message may be, and what is done with what is larger: nothing of any size may stop the stream.

The topics that we write take more than Kafka's usual megabyte (`max.message.bytes`), packs stay far below that, and
what is too large even so becomes a dead letter.
"""

from __future__ import annotations

import logging

from schemas.event import DeadLetter, RawRecord, content_id

LOG = logging.getLogger(__name__)

MOST_BYTES = 8 * 1024 * 1024
"""Of one message of our topics, as `agents.stream.topics` declares it; raw topics take what the brokers do."""
LARGEST = MOST_BYTES - 64 * 1024
"""Of the value of a message: the rest is for its key and for what Kafka adds."""
PACK_BYTES = 512 * 1024
"""A pack of several rows that turns out larger is sent in halves."""
EVENT_BYTES = 1024 * 1024
"""An event that is larger, as it is packed, is a dead letter. So all that is made of it finds room in one message."""
KEPT_BYTES = 2 * 1024 * 1024
"""Of what is too large as many bytes are kept in its dead letter, where they are 4/3 of that."""


def unsent(topic: str, key: bytes, value: bytes, now: int) -> DeadLetter:
    """Instead of a message that no topic takes; `now` in milliseconds."""
    told = f"a message of {len(value)} bytes for topic {topic}, key {key.decode('utf-8', 'replace')[:1024]!r}"
    LOG.error("%s is too large, and is in the dead topic instead", told)
    raw = RawRecord(source=topic, received=now, payload=value[:KEPT_BYTES])
    detail = f"{told}; its first {KEPT_BYTES} bytes are kept here"
    return DeadLetter(id=content_id(topic, key, value), reason="too-large", detail=detail, raw=raw)
