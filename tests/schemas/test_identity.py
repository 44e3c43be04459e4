"""Names that differ have identities that differ, whatever they hold."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from schemas.event import content_id, fingerprint

parts = st.lists(st.text(alphabet="ab\x1f:1", max_size=4), min_size=1, max_size=4)


@given(parts, parts)
def test_parts_never_run_into_each_other(one: list[str], two: list[str]) -> None:
    assert (fingerprint(*one) == fingerprint(*two)) == (one == two)
    assert (content_id(*one) == content_id(*two)) == (one == two)


def test_a_part_may_hold_what_separates_parts() -> None:
    names = (("ab", "c"), ("a", "bc"), ("a\x1fb", "c"), ("a", "b\x1fc"))
    assert len({fingerprint(*parts) for parts in names}) == len(names)
