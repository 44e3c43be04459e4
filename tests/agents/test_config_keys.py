"""Every key of the configuration is explained."""

from __future__ import annotations

from agents.config_keys import groups


def test_no_key_is_without_a_meaning() -> None:
    assert [key.path for group in groups() for key in group.keys if not key.meaning] == []
