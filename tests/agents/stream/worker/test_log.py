from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.stream.worker import log
from agents.stream.worker.log import Checkpoint, Log, Mark, pack
from agents.stream.worker.outputs import Out
from agents.stream.worker.shard import Shard
from pipeline.clock import Clock
from pipeline.state import Table
from schemas.base import ConfigError


class Counted(Shard):
    """A shard with one table of texts."""

    def __init__(self) -> None:
        self.table: Table[str] = Table("texts", lambda value: value, lambda _, value: value)
        super().__init__(0, Clock(0), [self.table])

    def resume(self) -> None:
        self.clock.resume()


class Topic:
    """One partition of a topic."""

    def __init__(self) -> None:
        self.messages: list[bytes] = []

    def write(self, checkpoint: Checkpoint, only: int | None = None) -> None:
        self.messages += [message.value for message in pack(0, checkpoint)[:only]]

    def read(self, since: int = 0) -> Log:
        found = Log()
        for offset, value in enumerate(self.messages[since:], since):
            found.add(value, offset)
        return found


def restored(topic: Topic, since: int = 0) -> Counted:
    shard = Counted()
    found = topic.read(since).restore()
    if found is not None:
        shard.restore(found)
    return shard


keys = st.sampled_from([f"key {n}\n\t" for n in range(12)])
values = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
rounds = st.lists(st.lists(st.tuples(keys, st.none() | values), max_size=5), min_size=1, max_size=30)


def change(shard: Counted, changes: list[tuple[str, str | None]]) -> None:
    for key, value in changes:
        if value is not None:
            shard.table[key] = value
        elif key in shard.table:
            del shard.table[key]


@given(rounds, st.integers(1, 5), st.data())
def test_what_was_kept_last_comes_back_with_old_records_deleted_and_owners_changing(
    stream: list[list[tuple[str, str | None]]], most: int, data: st.DataObject
) -> None:
    topic, shard = Topic(), Counted()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(log, "MOST_BYTES", most * 10)
        for number, changes in enumerate(stream):
            change(shard, changes)
            shard.read("events", number)
            topic.write(shard.checkpoint(1))
            if data.draw(st.booleans()):
                shard = restored(topic)
            again = restored(topic)
            assert again.table.live == shard.table.live
            assert again.applied == {"events": number}
    found = topic.read().restore()
    assert found is not None
    needed = found.offsets[found.checkpoint.base]
    assert restored(topic, needed).table.live == shard.table.live


def test_the_log_never_needs_much_more_than_the_state() -> None:
    topic, shard = Topic(), Counted()
    for number in range(400):
        shard.table[f"{number % 100:03}"] = "x" * 50
        topic.write(shard.checkpoint(1))
    found = topic.read().restore()
    assert found is not None
    assert len(found.offsets) <= 2 * 65
    assert len(found.checkpoint.entries) == 100 + 2


def test_a_record_that_is_not_whole_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "MOST_BYTES", 10)
    topic, shard = Topic(), Counted()
    change(shard, [("a", "1"), ("b", "1")])
    topic.write(shard.checkpoint(1))
    change(shard, [("a", "2"), ("b", "2")])
    topic.write(shard.checkpoint(1), only=1)
    assert restored(topic).table.live == {"a": "1", "b": "1"}


def test_of_two_owners_the_later_one_counts_whatever_the_other_still_writes() -> None:
    topic, first = Topic(), Counted()
    change(first, [("a", "1"), ("b", "1")])
    topic.write(first.checkpoint(1))
    second = restored(topic)
    change(second, [("a", "second")])
    topic.write(second.checkpoint(2))
    change(first, [("b", "first")])
    topic.write(first.checkpoint(1))
    topic.write(first.checkpoint(1))
    assert restored(topic).table.live == {"a": "second", "b": "1"}
    change(second, [("b", "second")])
    topic.write(second.checkpoint(2))
    assert restored(topic).table.live == {"a": "second", "b": "second"}


def test_of_two_that_took_over_at_once_the_later_generation_counts() -> None:
    topic, first = Topic(), Counted()
    change(first, [("a", "1")])
    topic.write(first.checkpoint(1))
    old, new = restored(topic), restored(topic)
    change(old, [("a", "old")])
    change(new, [("a", "new")])
    topic.write(new.checkpoint(3))
    topic.write(old.checkpoint(2))
    assert restored(topic).table.live == {"a": "new"}


def test_what_had_not_been_sent_is_sent_again() -> None:
    topic, shard = Topic(), Counted()
    out = Out("replies", None, b"c1", b'{"ok": true}')
    topic.write(shard.checkpoint(1)._replace(outbox=[out]))
    assert restored(topic).outputs == [out]


def test_a_log_that_has_lost_records_is_told_of() -> None:
    topic, shard = Topic(), Counted()
    for number in range(200):
        shard.table[f"{number}"] = "1"
        topic.write(shard.checkpoint(1))
    with pytest.raises(ConfigError, match="lost records"):
        restored(topic, len(topic.messages) - 2)


def test_a_log_says_whether_something_in_its_middle_was_left_out() -> None:
    topic, shard = Topic(), Counted()
    for number in range(4):
        shard.table["a"] = str(number)
        topic.write(shard.checkpoint(1))
    assert topic.read().whole
    del topic.messages[2]
    assert not topic.read().whole
    assert restored(topic).table["a"] == "1", "and what can be restored is older"
    assert not Log().whole


def test_a_log_of_a_newer_version_is_refused() -> None:
    with pytest.raises(ConfigError, match="version 9"):
        Log().add(b'{"v": 9}\n', 0)


def test_an_empty_log_is_a_fresh_start() -> None:
    assert Log().restore() is None
    assert Mark(2, 1, 1) > Mark(1, 9, 9)


def test_a_log_of_the_first_version_is_understood() -> None:
    head = (
        b'{"v":1,"mark":[0,1,1],"previous":null,"base":1,"keep":1,"applied":{"in":7},"parts":2,"part":%d,"outbox":%s}'
    )
    found, outbox = Log(), b'[["replies",0,"c1","{}"]]'
    for part, body in enumerate([b'["texts","a"]\n"one"', b'["texts","b"]\n"two"']):
        found.add(head % (part, outbox) + b"\n" + body, part)
    restored = found.restore()
    assert restored is not None
    assert [entry.key for entry in restored.checkpoint.entries] == ["a", "b"]
    assert restored.checkpoint.outbox == [Out("replies", 0, b"c1", b"{}")]


def test_a_log_of_the_second_version_is_understood() -> None:
    head = b'{"v":2,"mark":[0,1,1],"previous":null,"base":1,"keep":1,"applied":{"in":7},"parts":2,"part":%d}'
    found, body = Log(), b'[["replies",0,"c1","{}"]]\n["texts","a"]\n"one"\n["texts","gone"]\n\n["texts","b"]\n"two"'
    for part, piece in enumerate([body[:50], body[50:]]):
        found.add(head % part + b"\n" + piece, part)
    restored = found.restore()
    assert restored is not None
    assert [tuple(entry) for entry in restored.checkpoint.entries] == [
        ("texts", "a", b'"one"'), ("texts", "b", b'"two"'),
    ]  # fmt: skip
    assert restored.checkpoint.outbox == [Out("replies", 0, b"c1", b"{}")]


def test_a_state_of_one_entry_that_no_message_could_hold_is_kept() -> None:
    topic, shard = Topic(), Counted()
    shard.table["large"] = "x" * 20_000_000
    topic.write(shard.checkpoint(1))
    assert max(map(len, topic.messages)) < 1_000_000
    assert restored(topic).table["large"] == shard.table["large"]
