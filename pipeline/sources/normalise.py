"""The one way in: whatever a payload holds, it ends as events, samples or refusals with a reason."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.sources.base import Decoded, Refused, Source
from schemas.base import BadRecord
from schemas.event import DeadLetter, RawRecord, content_id


class Normaliser:
    """Hands each payload to its source. Never raises for what a payload holds."""

    def __init__(self, sources: Mapping[str, Source]) -> None:
        self._sources = dict(sources)

    def normalise(self, raw: RawRecord) -> Decoded:
        """Decode one payload; what could not be understood is in `refused`, the whole payload if need be."""
        source = self._sources.get(raw.source)
        if source is None:
            known = ", ".join(sorted(self._sources)) or "none"
            error = BadRecord("unknown-source", f"no source is named {raw.source[:80]!r}; known: {known}")
            return Decoded(refused=[Refused(error, raw.payload)])
        try:
            return source.decode(raw)
        except BadRecord as error:
            return Decoded(refused=[Refused(error, raw.payload)])


def dead_letter(raw: RawRecord, refused: Refused, coordinates: str = "") -> DeadLetter:
    """The dead letter of one refusal. The same refusal of the same delivery has the same id."""
    part = raw if refused.payload == raw.payload else raw.model_copy(update={"payload": refused.payload})
    return DeadLetter(
        id=content_id(raw.source, str(raw.received), refused.payload, refused.error.reason),
        reason=refused.error.reason,
        detail=refused.error.detail,
        raw=part,
        coordinates=coordinates,
    )
