"""A recording gives back what was recorded, and a line that is none is not lost."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from agents.recording import BROKEN, from_line, read, to_line, write
from schemas.event import RawRecord

RAWS = [
    RawRecord(source="nagios", received=1, payload=b"plain"),
    RawRecord(source="syslog", received=2, payload=b"", origin="192.0.2.1"),
    RawRecord(source="zabbix", received=2, payload='two\nlines, "quoted", \u00fc'.encode()),
    RawRecord(source="snmptrap", received=3, payload=b"\xff\xfe\x00not UTF-8\r\n"),
]


def with_origin(raws: list[RawRecord], origin: str) -> list[RawRecord]:
    return [raw if raw.origin else raw.model_copy(update={"origin": origin}) for raw in raws]


@pytest.mark.parametrize("name", ["day.ndjson", "day.ndjson.gz"])
def test_what_is_written_is_read(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    assert write(path, RAWS) == len(RAWS)
    assert list(read(str(path))) == with_origin(RAWS, str(path))
    assert [one.name for one in tmp_path.iterdir()] == [name]


def test_a_payload_that_is_not_utf8_is_kept_as_base64() -> None:
    line = to_line(RAWS[3])
    assert b'"base64"' in line
    assert b'"text"' not in line
    assert from_line(line, 0, "").payload == RAWS[3].payload


@pytest.mark.parametrize("name", ["day.ndjson", "day.ndjson.gz"])
def test_the_same_records_give_the_same_bytes(tmp_path: Path, name: str) -> None:
    (tmp_path / "other").mkdir()
    write(tmp_path / name, RAWS)
    write(tmp_path / "other" / name, iter(RAWS))
    assert (tmp_path / name).read_bytes() == (tmp_path / "other" / name).read_bytes()


def test_only_gz_is_compressed(tmp_path: Path) -> None:
    write(tmp_path / "day.ndjson", RAWS)
    write(tmp_path / "day.ndjson.gz", RAWS)
    plain = (tmp_path / "day.ndjson").read_bytes()
    assert plain.count(b"\n") == len(RAWS)
    assert gzip.decompress((tmp_path / "day.ndjson.gz").read_bytes()) == plain


@pytest.mark.parametrize(
    "line",
    [
        b"not JSON",
        b"\xff\xfe",
        b"[]",
        b"7",
        b"{}",
        b'{"received":1,"source":"a"}',
        b'{"received":1,"source":"a","text":5}',
        b'{"received":1,"source":"a","base64":"*"}',
        b'{"received":"never","source":"a","text":"x"}',
        b'{"received":1,"text":"x"}',
        b'{"received":1,"source":"a","text":"cut',
    ],
)
def test_a_broken_line_becomes_a_record_with_its_bytes(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "day.ndjson"
    path.write_bytes(to_line(RAWS[3]) + b"\n" + line + b"\r\n\n" + to_line(RAWS[0]) + b"\n")
    before, broken, after = read(str(path))
    assert broken == RawRecord(source=BROKEN, received=before.received, payload=line, origin=str(path))
    assert after.payload == RAWS[0].payload


def test_a_recording_that_could_not_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "day.ndjson.gz"
    write(path, RAWS)
    old = path.read_bytes()
    with pytest.raises(AttributeError):
        write(path, [RAWS[0], None])  # type: ignore[list-item]
    assert path.read_bytes() == old
