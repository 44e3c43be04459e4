"""Names that differ have identities that differ, whatever they hold."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from schemas.event import content_id, content_ids, fingerprint

parts = st.lists(st.text(alphabet="ab\x1f:1", max_size=4), min_size=1, max_size=4)


@given(parts, parts)
def test_parts_never_run_into_each_other(one: list[str], two: list[str]) -> None:
    assert (fingerprint(*one) == fingerprint(*two)) == (one == two)
    assert (content_id(*one) == content_id(*two)) == (one == two)


any_text = st.text(st.characters() | st.characters(categories=["Cs"]), max_size=300) | st.text("ab:", max_size=300)


@given(st.lists(any_text, max_size=3), st.lists(any_text, max_size=5))
def test_ids_that_begin_alike_are_the_same_by_either_way(first: list[str], rest: list[str]) -> None:
    assert content_ids(*first)(*rest) == content_id(*first, *rest)


def test_the_length_of_a_part_is_counted_in_bytes() -> None:
    for part in ("a" * 255, "a" * 256, "a" * 257, "\u00e4" * 128, "\ud800", ""):
        assert content_ids("x")(part, "y") == content_id("x", part.encode("utf-8", "surrogatepass"), "y")


def test_a_part_may_hold_what_separates_parts() -> None:
    names = (("ab", "c"), ("a", "bc"), ("a\x1fb", "c"), ("a", "b\x1fc"))
    assert len({fingerprint(*parts) for parts in names}) == len(names)
