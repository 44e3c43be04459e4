from __future__ import annotations

import pytest

from agents.stream.settings import KafkaSettings
from agents.stream.sizes import MOST_BYTES
from agents.stream.topics import wanted
from pipeline.practices.reference import TYPES
from schemas.base import DAY, ConfigError


def test_each_source_has_a_topic_and_all_reference_data_have_one() -> None:
    names = [topic.name for topic in wanted(KafkaSettings(), ["nagios", "doors"])]
    assert names[:2] == ["raw.nagios", "raw.doors"]
    assert {f"reference.{kind}" for kind in TYPES} <= set(names)
    assert len(names) == len(set(names))


def test_what_is_kept_for_ever_is_compacted_and_the_rest_is_not() -> None:
    policies = {topic.name: topic.config for topic in wanted(KafkaSettings(), [])}
    size = {"max.message.bytes": str(MOST_BYTES)}
    assert policies["incidents"] == {"cleanup.policy": "compact"} | size
    assert policies["incidents.history"] == {"retention.ms": str(90 * DAY)} | size


def test_the_configuration_changes_partitions_and_retention_and_what_follows_from_them() -> None:
    settings = KafkaSettings(prefix="a.", replication=3, partitions={"events": 12}, retention={"events": DAY})
    topics = {topic.name: topic for topic in wanted(settings, [])}
    assert topics["a.events"].config == {"retention.ms": str(DAY), "max.message.bytes": str(MOST_BYTES)}
    assert {topics[name].partitions for name in ("a.events", "a.alerts", "a.commands", "a.incidents")} == {12}
    assert topics["a.dead"].partitions == 1
    assert {topic.replication for topic in topics.values()} == {3}


@pytest.mark.parametrize("key", ["partitions", "retention"])
def test_a_topic_that_is_not_there_is_named_with_those_that_are(key: str) -> None:
    with pytest.raises(ConfigError, match=rf"kafka\.{key}: there is no topic 'event'; known: .*events, "):
        wanted(KafkaSettings.model_validate({key: {"event": 3}}), [])


def test_one_entry_changes_the_topics_of_all_sources() -> None:
    settings = KafkaSettings(partitions={"raw.{source}": 8, "raw.doors": 2}, retention={"raw.{source}": 0})
    topics = {topic.name: topic for topic in wanted(settings, ["nagios", "doors"])}
    assert [topics[name].partitions for name in ("raw.nagios", "raw.doors")] == [8, 2]
    assert topics["raw.nagios"].config == {"retention.ms": "-1"}
