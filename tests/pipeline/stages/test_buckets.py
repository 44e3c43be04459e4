"""Buckets of a silent common cause count what a plain mapping of sets counts, whatever order things come and go in."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipeline.stages.buckets import Bucket

NEED = {"a": 1, "b": 2, "c": 3}
"""So many nodes make a branch count; the one of number 1 is about the branch itself, and does so alone."""
steps = st.lists(st.tuples(st.booleans(), st.sampled_from("abc"), st.sampled_from("12345")), max_size=30)


def apply(steps: list[tuple[bool, str, str]]) -> tuple[Bucket, dict[str, set[str]]]:
    bucket, plain = Bucket(), dict[str, set[str]]()
    for add, branch, number in steps:
        key = branch + number  # a node is behind one branch
        if add:
            bucket.add(branch, key, 0 if number == "1" else NEED[branch])
            plain.setdefault(branch, set()).add(key)
        else:
            plain.get(branch, set()).discard(key)
            plain = {name: keys for name, keys in plain.items() if keys}
            assert bucket.discard(branch, key) == bool(plain)
    return bucket, plain


def counting(plain: dict[str, set[str]]) -> set[str]:
    return {b for b, keys in plain.items() if b + "1" in keys or len(keys) >= NEED[b]}


@given(steps)
def test_it_holds_what_was_added_and_not_taken_out(steps: list[tuple[bool, str, str]]) -> None:
    bucket, plain = apply(steps)
    keys = {key for found in plain.values() for key in found}
    assert bucket.keys() == keys
    assert set(bucket.branches) == set(plain)
    assert bucket.least == min(keys, default="")
    assert bucket.full == counting(plain)
    for branch, found in plain.items():
        for key in found:
            without = counting({**plain, branch: found - {key}})
            assert bucket.hangs_on(branch, key) == (branch in bucket.full and branch not in without)


@given(steps, steps, st.integers(1, 4))
def test_two_count_together_up_to_what_is_enough(
    one: list[tuple[bool, str, str]], two: list[tuple[bool, str, str]], enough: int
) -> None:
    (bucket, plain), (other, more) = apply(one), apply(two)
    count, true = bucket.count_with(other, enough), len(counting(plain) | counting(more))
    assert count == true or enough < count <= true
    for key in bucket.keys() | other.keys():
        rest = (bucket.keys() | other.keys()) - {key}
        if rest:
            assert bucket.least_with(other, key) == min(rest)
