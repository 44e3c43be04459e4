"""The examples that need an Elasticsearch, in the order in which a user would come to them."""

from __future__ import annotations

import json
import shlex
import uuid
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from agents.cli.main import cli
from tests.agents.cli.doors import make_store
from tests.docs.test_cli_examples import EXAMPLES, on_elastic
from tests.servers import elasticsearch_node

ORDER = (
    *("index setup", "index fill", "index status", "index verify", "index migrate", "index kibana"),
    *("backup create", "backup verify", "backup restore", "search", "count"),
)


def in_order(example: str) -> int:
    return next(rank for rank, start in enumerate(ORDER) if example.startswith(f"tocsin {start}"))


def filled(word: str, url: str) -> str:
    """A word of an example, with the newest backup and the address of the node."""
    return str(max(Path("backups").iterdir())) if word == "BACKUP" else word.replace("http://localhost:9200", url)


@pytest.mark.elastic
def test_the_examples_run_one_after_the_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_store(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TOCSIN_INDEX_PREFIX", f"t{uuid.uuid4().hex[:8]}")
    with elasticsearch_node(tmp_path / "node") as url:
        config = yaml.safe_load(Path("tocsin.yaml").read_text(encoding="utf-8"))
        config["outputs"] = [*config.get("outputs", []), {"type": "elasticsearch", "nodes": [url]}]
        Path("tocsin.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
        for example in sorted((one for one in EXAMPLES if on_elastic(one)), key=in_order):
            words = [filled(word, url) for word in shlex.split(example)]
            ended = CliRunner().invoke(cli, words[1:])
            assert ended.exit_code == 0, (example, ended.output)
            if "--json" in example:
                json.loads(ended.stdout)
