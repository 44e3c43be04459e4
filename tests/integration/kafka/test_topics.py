from __future__ import annotations

import pytest
from tenacity import Retrying, stop_after_delay, wait_fixed

from agents.stream.clients import admin, config_resource
from agents.stream.settings import KafkaSettings
from agents.stream.topics import create, differences, wanted
from schemas.base import ConfigError


def test_topics_are_made_once_and_are_as_declared(settings: KafkaSettings) -> None:
    topics = wanted(settings, ["nagios", "doors"])
    assert {str(one) for one in differences(settings, topics)} == {f"{t.name}: there is no such topic" for t in topics}
    assert create(settings, topics) == [topic.name for topic in topics]
    assert create(settings, topics) == []
    assert differences(settings, topics) == []


def test_what_was_changed_by_hand_is_told_by_name(settings: KafkaSettings) -> None:
    topics = wanted(settings, [])
    create(settings, topics)
    incidents = settings.topic("incidents")
    with admin(settings) as client:
        client.alter_configs([config_resource(incidents, {"cleanup.policy": "delete"})])
        client.create_partitions({settings.topic("dead"): 3})
    told = {
        f"{incidents}: cleanup.policy is delete, should be compact",
        f"{settings.topic('dead')}: partitions is 3, should be 1",
    }
    for attempt in Retrying(stop=stop_after_delay(20), wait=wait_fixed(0.1), reraise=True):
        with attempt:  # brokers hear of a change a little later
            assert {str(one) for one in differences(settings, topics)} == told


def test_what_a_broker_refuses_is_told(settings: KafkaSettings) -> None:
    greedy = settings.model_copy(update={"replication": 99})
    with pytest.raises(ConfigError, match=r"refused topics: .*events: .*replication"):
        create(greedy, wanted(greedy, []))
