"""The examples that need a broker, in the order in which a user would come to them."""

from __future__ import annotations

import json
import shlex
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from agents.cli.main import cli
from agents.local.process import free_ports
from tests.agents.cli.doors import ROOT
from tests.docs.test_cli_examples import EXAMPLES, ON_KAFKA

DOWN = "tocsin kafka down"


def in_order(example: str) -> int:
    ranks = {"tocsin kafka up": 0, "tocsin topics create": 1, DOWN: 3}
    return next((rank for start, rank in ranks.items() if example.startswith(start)), 2)


@pytest.mark.kafka
def test_the_examples_run_one_after_the_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    monkeypatch.chdir(tmp_path)
    port = str(next(free_ports()))
    monkeypatch.setenv("TOCSIN_BOOTSTRAP", f"127.0.0.1:{port}")
    examples = sorted((one for one in EXAMPLES if one.startswith(ON_KAFKA)), key=in_order)
    assert examples[-1].startswith(DOWN)
    try:
        for example in ["tocsin kafka up --port 9092", *examples]:
            words = [word.replace("9092", port) for word in shlex.split(example)]
            ended = CliRunner().invoke(cli, words[1:])
            assert ended.exit_code == 0, (example, ended.output)
            if "--json" in example:
                json.loads(ended.stdout)
    finally:
        CliRunner().invoke(cli, shlex.split(DOWN)[1:])
