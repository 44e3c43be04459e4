"""A store is backed up while it is in use; what is not as it was backed up is found; nothing is overwritten."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from threading import Event, Thread

import pytest
from click.testing import CliRunner, Result

from agents.cli.main import cli
from agents.embedded.rows import Input
from agents.embedded.store import Store
from agents.index import backup
from agents.index.checksum import summed
from tests.agents.cli.doors import make_store


def tocsin(*words: object) -> Result:
    return CliRunner().invoke(cli, [str(word) for word in words])


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return make_store(tmp_path)


@pytest.fixture
def made(store: Path, tmp_path: Path) -> Path:
    ended = tocsin("backup", "create", "--store", store, "--dir", tmp_path / "backups", "--json")
    assert ended.exit_code == 0, ended.output
    return Path(json.loads(ended.stdout)["backup"])


def spoil(made: Path, statement: str) -> None:
    """Change the copy, as a hand or a fault would."""
    with closing(sqlite3.connect(made / backup.STORE, isolation_level=None)) as db:
        assert db.execute(statement).rowcount != 0
        db.execute("PRAGMA journal_mode=DELETE")


def refused(made: Path) -> str:
    """What verify and restore both say; neither leaves anything."""
    shown = tocsin("backup", "verify", made)
    assert shown.exit_code == 1
    target = made.parent / "new" / "restored.db"
    tried = tocsin("backup", "restore", made, "--store", target)
    assert tried.exit_code == 1
    assert tried.stderr == shown.stderr
    assert list(target.parent.glob("*")) == []
    return shown.stderr


def test_what_is_restored_is_what_was_there(store: Path, made: Path, tmp_path: Path) -> None:
    assert sorted(one.name for one in made.iterdir()) == [backup.MANIFEST, backup.STORE]
    assert tocsin("backup", "verify", made).exit_code == 0
    target = tmp_path / "deep" / "down" / "restored.db"
    ended = tocsin("backup", "restore", made, "--store", target)
    assert ended.exit_code == 0, ended.output
    assert [one.name for one in target.parent.iterdir()] == ["restored.db"]
    before, after = (tocsin("incidents", "--all", "--json", "--store", path).stdout for path in (store, target))
    assert before == after != "[]\n"


def test_a_host_may_go_on_writing_while_its_store_is_copied(store: Path, tmp_path: Path) -> None:
    stop = Event()
    written: list[int] = []

    def write() -> None:
        with closing(Store(str(store))) as host:
            host.own()
            number = host.last_input()
            while not stop.is_set():
                number += 1
                host.append([Input(number, "raw", 1, "doors", "", b"x" * 5000)])
                written.append(number)

    writer = Thread(target=write)
    writer.start()
    while len(written) < 20:
        assert writer.is_alive()
    before = written[-1]
    ended = tocsin("backup", "create", "--store", store, "--dir", tmp_path / "b", "--json")
    stop.set()
    writer.join()
    assert ended.exit_code == 0, ended.output
    made = Path(json.loads(ended.stdout)["backup"])
    assert tocsin("backup", "verify", made).exit_code == 0
    with closing(sqlite3.connect(made / backup.STORE)) as db:
        kept = [number for (number,) in db.execute("SELECT seq FROM inbox ORDER BY seq")]
    assert kept == list(range(kept[0], kept[-1] + 1))
    assert before <= kept[-1]


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        (
            "UPDATE records SET value = CAST(value || ' ' AS BLOB) WHERE kind = 'incident'",
            "records says something else",
        ),
        ("DELETE FROM history WHERE n = 0", "history has "),
        ("UPDATE meta SET value = value + 1", "meta says something else"),
        ("DROP TABLE dead", "dead is missing"),
    ],
)
def test_a_change_in_the_copy_is_found(made: Path, statement: str, said: str) -> None:
    spoil(made, statement)
    assert said in refused(made)


def test_a_damaged_copy_is_found(made: Path) -> None:
    copy = made / backup.STORE
    content = bytearray(copy.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 4096] = b"\x55" * 4096
    copy.write_bytes(content)
    assert "tocsin.db is damaged" in refused(made)
    copy.write_bytes(content[: len(content) // 3])
    assert "tocsin.db is damaged" in refused(made)
    copy.write_bytes(b"nothing of the kind")
    assert "tocsin.db is damaged: file is not a database" in refused(made)


def test_a_copy_that_is_gone_and_a_backup_that_never_ended_are_found(made: Path) -> None:
    (made / backup.STORE).unlink()
    assert "tocsin.db cannot be copied: No such file" in refused(made)
    (made / backup.MANIFEST).write_text("{")
    assert "manifest.json is not as a backup writes it" in refused(made)
    (made / backup.MANIFEST).unlink()
    assert "is no whole backup: there is no manifest.json" in refused(made)


@pytest.mark.parametrize("beside", ["", "-wal", "-shm", "-search"])
def test_nothing_is_overwritten(made: Path, tmp_path: Path, beside: str) -> None:
    there = tmp_path / f"other.db{beside}"
    there.write_bytes(b"precious")
    ended = tocsin("backup", "restore", made, "--store", tmp_path / "other.db")
    assert ended.exit_code == 1
    assert f"other.db{beside} is there already, and is not overwritten" in " ".join(ended.stderr.split())
    assert there.read_bytes() == b"precious"
    assert [one.name for one in tmp_path.glob("other.db*")] == [there.name]


def test_what_cannot_be_backed_up_or_restored_is_told(made: Path, tmp_path: Path) -> None:
    assert "there is no store" in tocsin("backup", "create", "--store", tmp_path / "none.db").stderr
    assert "needs --repository" in tocsin("backup", "create", "--only", "elasticsearch").stderr
    assert "nothing of Elasticsearch" in tocsin("backup", "restore", made, "--only", "elasticsearch").stderr
    occupied = tmp_path / "file"
    occupied.touch()
    tried = tocsin("backup", "create", "--store", tmp_path / "tocsin.db", "--dir", occupied / "below")
    assert "cannot be made: Not a directory" in " ".join(tried.stderr.split())


def test_the_sum_is_the_same_in_any_order_and_another_one_for_anything_else() -> None:
    assert summed([b"a", b"b", b"b"]) == summed([b"b", b"a", b"b"])
    assert (
        len({summed(one) for one in ([b"a", b"b"], [b"a", b"b", b"b"], [b"ab"], [b"a"], [], [b"a", b"a", b"b"])}) == 6
    )
    kinds = [(5,), (b"5",), ("5",), (5.0,), (None,), ("None",), (b"None",), (5, ""), ("5", "")]
    assert len({backup._row(one) for one in kinds}) == len(kinds)
