"""What changed in an embedded store, kept by the store itself: a table of the records that changed, each in it once.

Triggers write to it in the transaction of the change, so nothing is missed whatever crashes. A reader keeps how far it
has read; a record that changes again moves to the end. Its size is that of the store's records, not of their changes.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

NAME = "elasticsearch"
"""Cursors of readers that hold back what the store forgets begin so."""
DONE = 1 << 62
"""The cursor of a range that has been read to its end."""
FIRST = """
INSERT OR IGNORE INTO changes (kind, id) SELECT kind, id FROM records ORDER BY kind, id;
INSERT OR IGNORE INTO changes (kind, id) SELECT 'alert', key FROM state WHERE tab = 'alerts';
INSERT OR IGNORE INTO changes (kind, id) SELECT 'reference', key FROM state WHERE tab = 'reference';
INSERT OR IGNORE INTO changes (kind, id) SELECT 'dead', id FROM dead;
"""
# Not INSERT OR REPLACE: how a conflict ends is decided by the statement that set a trigger off.
SCHEMA = f"""
CREATE TABLE IF NOT EXISTS changes (n INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, id TEXT NOT NULL,
  UNIQUE (kind, id));
CREATE TRIGGER IF NOT EXISTS changes_of_new_records AFTER INSERT ON records
  BEGIN DELETE FROM changes WHERE kind = new.kind AND id = new.id;
  INSERT INTO changes (kind, id) VALUES (new.kind, new.id); END;
CREATE TRIGGER IF NOT EXISTS changes_of_records AFTER UPDATE ON records
  BEGIN DELETE FROM changes WHERE kind = new.kind AND id = new.id;
  INSERT INTO changes (kind, id) VALUES (new.kind, new.id); END;
CREATE TRIGGER IF NOT EXISTS changes_of_alerts AFTER INSERT ON state WHEN new.tab = 'alerts'
  BEGIN DELETE FROM changes WHERE kind = 'alert' AND id = new.key;
  INSERT INTO changes (kind, id) VALUES ('alert', new.key); END;
CREATE TRIGGER IF NOT EXISTS changes_of_reference AFTER INSERT ON state WHEN new.tab = 'reference'
  BEGIN DELETE FROM changes WHERE kind = 'reference' AND id = new.key;
  INSERT INTO changes (kind, id) VALUES ('reference', new.key); END;
CREATE TRIGGER IF NOT EXISTS changes_of_lost_reference AFTER DELETE ON state WHEN old.tab = 'reference'
  BEGIN DELETE FROM changes WHERE kind = 'reference' AND id = old.key;
  INSERT INTO changes (kind, id) VALUES ('reference', old.key); END;
CREATE TRIGGER IF NOT EXISTS changes_of_dead AFTER INSERT ON dead
  BEGIN DELETE FROM changes WHERE kind = 'dead' AND id = new.id;
  INSERT INTO changes (kind, id) VALUES ('dead', new.id); END;
CREATE TRIGGER IF NOT EXISTS changes_keep_inbox BEFORE DELETE ON inbox
  WHEN old.seq > (SELECT min(position) FROM cursors WHERE name LIKE '{NAME} % events%')
  BEGIN SELECT RAISE(IGNORE); END;
"""
TRIGGERS = (
    *("new_records", "records", "alerts", "reference", "lost_reference", "dead"),
    "keep_inbox",
)


def attach(path: str | Path) -> None:
    """Have the store note from now on what changes; at first, everything that is in it counts as changed."""
    with closing(sqlite3.connect(path, isolation_level=None, timeout=30)) as db:
        db.execute("BEGIN IMMEDIATE")
        there = db.execute("SELECT 1 FROM sqlite_master WHERE name = 'changes_of_records'").fetchone()
        for statement in _statements(SCHEMA if there else SCHEMA + FIRST):
            db.execute(statement)
        db.execute("COMMIT")


def detach(path: str | Path) -> None:
    """Have the store note nothing any more, and hold nothing back."""
    with closing(sqlite3.connect(path, isolation_level=None, timeout=30)) as db:
        db.execute("BEGIN IMMEDIATE")
        if db.execute("SELECT 1 FROM sqlite_master WHERE name = 'changes'").fetchone():
            for name in TRIGGERS:
                db.execute(f"DROP TRIGGER IF EXISTS changes_{'' if name == 'keep_inbox' else 'of_'}{name}")
            db.execute("DROP TABLE changes")
            db.execute(f"DELETE FROM cursors WHERE name LIKE '{NAME} %'")
        db.execute("COMMIT")


def _statements(script: str) -> list[str]:
    """Single statements: executescript() would end the transaction."""
    found, part = [], ""
    for line in script.splitlines(keepends=True):
        part += line
        if sqlite3.complete_statement(part) and part.strip():
            found.append(part)
            part = ""
    return found
