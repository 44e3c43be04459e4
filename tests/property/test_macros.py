"""Macros that are all filled in texts are read in a quick way, which gives what reading them one by one gives."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipeline.sources.common import text_of
from pipeline.sources.macros import macro_name, macros_of

texts = st.text("ab{}$*._ \t\u00a0", max_size=5) | st.sampled_from(
    ["{EVENT.ID}", " $TIMET$ ", "*UNKNOWN*", "a*b", "$5", "{", "web-01"]
)
names = st.sampled_from(["EVENT.ID", "event_id", "{HOST.NAME}", "NAGIOS_TIMET", "timet"]) | st.text(
    "aB_.{}", max_size=4
)
LEFT = ("{EVENT.ID}", "$TIMET$", "*UNKNOWN*")


@given(st.dictionaries(names, texts, max_size=5), st.none() | st.integers(-(2**63), 2**63 - 1) | st.booleans())
def test_one_value_that_is_no_text_changes_nothing_of_the_others(body: dict[str, str], other: int | None) -> None:
    quick = macros_of(body)
    slow = macros_of({**body, "another": other})
    told = text_of(other)
    assert slow == quick | ({"another": told} if told else {})
    assert list(quick) == [name for name in slow if name != "another"]


@given(st.dictionaries(names, texts, max_size=5))
def test_only_values_that_were_filled_in_are_told(body: dict[str, str]) -> None:
    told = macros_of(body)
    assert set(told) <= {macro_name(name) for name in body}
    assert not any(text in LEFT or not text or text != text.strip() for text in told.values())
