"""What is in Elasticsearch is backed up, looked into beside what is in use, and brought back."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from click.testing import CliRunner, Result
from elasticsearch import Elasticsearch

from agents.cli.main import cli
from agents.index import backup, snapshot
from agents.index.settings import ElasticsearchOutput
from agents.index.setup import standing
from agents.local.elasticsearch import Node
from tests.agents.cli.doors import make_store


class Rig(NamedTuple):
    """A store that is indexed, and where both are backed up to; `place` is the folder of the snapshots."""

    client: Elasticsearch
    settings: ElasticsearchOutput
    folder: Path
    place: Path

    def tocsin(self, *words: object) -> Result:
        more = ("--url", self.settings.nodes[0], "--prefix", self.settings.prefix)
        return CliRunner().invoke(cli, [*(str(word) for word in words), *more])

    def create(self, *more: str) -> Path:
        words = ("--store", self.folder / "tocsin.db", "--dir", self.folder / "backups", "--json")
        ended = self.tocsin("backup", "create", "--location", self.place.name, *words, *more)
        assert ended.exit_code == 0, ended.output
        return Path(json.loads(ended.stdout)["backup"])

    def same_again(self, made: Path, change: Callable[[], object]) -> None:
        """Put another snapshot, of what there is after a change, in the place of that of a backup."""
        kept = kept_in(made)
        self.client.snapshot.delete(repository=kept.repository, snapshot=kept.name)
        change()
        self.client.snapshot.create(
            repository=kept.repository,
            snapshot=kept.name,
            indices=f"{self.settings.prefix}-*",
            include_global_state=False,
            wait_for_completion=True,
        )

    def everything(self) -> dict[str, tuple[int, int]]:
        """Per name, how many documents and which highest version."""
        self.client.indices.refresh(index=f"{self.settings.prefix}-*")
        return {one.target.name: (one.documents, len(one.indices)) for one in standing(self.client, self.settings)}

    def scratch(self) -> list[str]:
        return list(self.client.indices.get_alias(index=f"{self.settings.prefix}-scratch-*", expand_wildcards="all"))


def kept_in(made: Path) -> backup.Snapshot:
    kept = backup.read_manifest(made).snapshot
    assert kept is not None
    return kept


@pytest.fixture
def rig(url: str, client: Elasticsearch, prefix: str, tmp_path: Path) -> Iterator[Rig]:
    make_store(tmp_path)
    (node,) = client.nodes.info(metric="settings")["nodes"].values()
    repo = node["settings"]["path"]["repo"]
    place = Path(repo if isinstance(repo, str) else repo[0]) / prefix
    made = Rig(client, ElasticsearchOutput(type="elasticsearch", nodes=(url,), prefix=prefix), tmp_path, place)
    config = tmp_path / "tocsin.yaml"
    ended = made.tocsin("index", "fill", "--store", tmp_path / "tocsin.db", "--config", config)
    assert ended.exit_code == 0, ended.output
    yield made
    client.options(ignore_status=404).snapshot.delete_repository(name=f"{prefix}-backup")


def test_a_backup_verifies_and_touches_nothing(rig: Rig) -> None:
    before = rig.everything()
    made = rig.create()
    kept = kept_in(made)
    assert sum(count for count, _ in kept.indices.values()) == sum(count for count, _ in before.values())
    assert any(name.startswith(".ds-") for name in kept.indices)
    ended = rig.tocsin("backup", "verify", made)
    assert ended.exit_code == 0, ended.output
    assert rig.everything() == before
    assert rig.scratch() == []


def test_a_changed_document_and_a_missing_index_are_found(rig: Rig) -> None:
    name = rig.settings.name("incidents")
    made = rig.create()
    (hit,) = rig.client.search(index=name, size=1, version=True)["hits"]["hits"]

    def change() -> None:
        source = {**hit["_source"], "message": "all is well"}
        rig.client.index(
            index=name, id=hit["_id"], document=source, version=hit["_version"], version_type="external_gte"
        )
        rig.client.indices.delete(index=f"{rig.settings.name('ledger')}-000001")

    rig.same_again(made, change)
    ended = rig.tocsin("backup", "verify", made, "--json")
    assert ended.exit_code == 1
    assert json.loads(ended.stdout) == {
        "good": False,
        "differences": [f"{name}-000001 says something else", f"{rig.settings.name('ledger')}-000001 is missing"],
    }
    rig.same_again(made, lambda: rig.client.delete(index=name, id=hit["_id"]))
    count = kept_in(made).indices[f"{name}-000001"][0]
    assert f"{name}-000001 has {count - 1} of {count}" in rig.tocsin("backup", "verify", made).stderr


def test_damage_in_the_files_of_a_snapshot_is_found(rig: Rig) -> None:
    made = rig.create()
    largest = max(rig.place.rglob("__*"), key=lambda file: file.stat().st_size)
    content = bytearray(largest.read_bytes())
    content[len(content) // 2] ^= 0xFF
    largest.write_bytes(content)
    ended = rig.tocsin("backup", "verify", made)
    assert ended.exit_code == 1
    assert "cannot be restored: " in ended.stderr
    assert "is missing" not in ended.stderr
    assert rig.scratch() == []


def test_a_snapshot_that_is_gone_and_a_place_that_nodes_may_not_use_are_told(rig: Rig) -> None:
    made = rig.create()
    kept = kept_in(made)
    rig.client.snapshot.delete(repository=kept.repository, snapshot=kept.name)
    ended = rig.tocsin("backup", "verify", made)
    assert (ended.exit_code, f"there is no snapshot {kept.name}" in ended.stderr) == (1, True)
    words = ("--store", rig.folder / "tocsin.db", "--dir", rig.folder / "more", "--location", "/etc/secrets")
    ended = rig.tocsin("backup", "create", *words)
    assert (ended.exit_code, "path.repo" in ended.stderr) == (1, True)
    assert rig.tocsin("backup", "verify", next((rig.folder / "more").iterdir())).exit_code == 1


def test_nothing_of_a_cluster_is_overwritten_nor_is_the_store_brought_back_then(rig: Rig) -> None:
    made = rig.create()
    before = rig.everything()
    ended = rig.tocsin("backup", "restore", made, "--store", rig.folder / "new.db")
    assert (ended.exit_code, "there already, and not overwritten" in ended.stderr) == (1, True)
    assert list(rig.folder.glob("new.db*")) == []
    assert rig.everything() == before


@pytest.mark.slow
def test_store_and_cluster_that_are_lost_are_brought_back_by_one_command(rig: Rig, tmp_path: Path) -> None:
    made = rig.create()
    before, kept = rig.everything(), kept_in(made)
    with Node(tmp_path / "another", settings={"path.repo": str(rig.place.parent)}) as node:
        there = rig._replace(
            client=Elasticsearch(node.url, request_timeout=60),
            settings=rig.settings.model_copy(update={"nodes": (node.url,)}),
        )
        assert there.tocsin("backup", "verify", made).exit_code == 0
        store = tmp_path / "restored.db"
        ended = there.tocsin("backup", "restore", made, "--store", store)
        assert ended.exit_code == 0, ended.output
        assert there.everything() == before
        config = ("--config", tmp_path / "tocsin.yaml", "--store", store)
        compared = there.tocsin("index", "verify", *config, "--json")
        assert compared.exit_code == 0, compared.output
        # Another address is another output: all is written again, and changes nothing.
        assert there.tocsin("index", "fill", *config).exit_code == 0
        assert there.everything() == before
        with there.client:
            there.client.indices.rollover(alias=there.settings.name("events"))
            found, wrong = snapshot.contents(there.client, there.settings, kept)
        assert (found, wrong) == (kept.indices, [])
