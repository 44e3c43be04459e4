"""The catalogue knows the metrics of common monitors by their own names."""

import pytest

from models.catalogue.lookup import CATALOGUE, find
from models.kinds import PRIOR


@pytest.mark.parametrize(
    ("metric", "unit", "equipment", "name"),
    [
        ("node_filesystem_avail_bytes", "", "host", "disk free"),
        ("ifHCInOctets", "", "network", "traffic"),
        ("CPUUtilization", "Percent", "host", "cpu"),
        ("disk.used_percent", "%", "host", "disk"),
        ("rta", "ms", "network", "latency"),
        ("http_requests_total", "", "web", "requests counted"),
        ("Threads_connected", "", "database", "connections"),
        ("vfs.fs.size[/,pused]", "%", "host", "disk"),
        ("ups.load", "%", "room", "ups load"),
        ("consumer_lag", "", "middleware", "queue"),
    ],
)
def test_names_of_monitors_are_understood(metric: str, unit: str, equipment: str, name: str) -> None:
    found = find(metric, unit)
    assert found is not None
    assert (found.equipment, found.name) == (equipment, name)


def test_an_unknown_name_has_no_indicator() -> None:
    assert find("frobnication") is None
    assert find("") is None


def test_a_share_told_in_bytes_has_no_bound() -> None:
    known = find("disk usage", "%")
    bytes_ = find("disk usage", "By")
    assert known is not None
    assert bytes_ is not None
    assert (known.high, bytes_.high, bytes_.unit) == (100.0, None, "By")


def test_the_unit_c_of_performance_data_is_a_counter() -> None:
    found = find("queries", "c") or find("slow_queries", "c")
    assert found is not None
    assert found.counter


def test_every_row_is_sound() -> None:
    assert {row.kind for row in CATALOGUE} <= set(PRIOR)
    assert {row.bad for row in CATALOGUE} == {"up", "down", "both"}
    assert {row.shape for row in CATALOGUE} == {"none", "day", "week"}
    assert all(row.low is None or row.high is None or row.low < row.high for row in CATALOGUE)
    assert all(row.names for row in CATALOGUE)


def test_every_class_of_equipment_is_there() -> None:
    expected = "room network host storage security database middleware mail dns web business"
    assert {row.equipment for row in CATALOGUE} == set(expected.split())
