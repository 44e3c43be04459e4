"""Each example of the command line does what its page says: it is run, in a folder with what it speaks of."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import click
import httpx
import pytest
from click.testing import CliRunner, Result
from tenacity import Retrying, stop_after_delay, wait_fixed

from agents.cli.command import examples_of
from agents.cli.main import COMMANDS, cli
from tests.agents.cli.doors import ROOT, make_store

BEFORE: dict[str, list[str]] = {
    "tocsin resume": ["tocsin pend INCIDENT"],
    "tocsin close": ["tocsin resolve INCIDENT"],
    "tocsin reopen": ["tocsin resolve INCIDENT"],
    "tocsin split": ["tocsin merge INCIDENT OTHER"],
    "tocsin silence expire": ["tocsin silence add site=lab --for 1h"],
    "tocsin replay day": ["tocsin simulate"],
}
"""What must have been done before an example makes sense."""

REFUSED = {
    "tocsin dead replay DEAD": "still not understood: not-json",
    "tocsin models feedback ALERT wrong": "no series is known",
    "tocsin models feedback ALERT expected --for 2h": "no series is known",
}
"""Examples that a payload as broken as it is cannot pass, nor the alert of a monitor."""

EXAMPLES = [
    example
    for name in COMMANDS
    for example in examples_of(cli.get_command(click.Context(cli), name) or click.Command("?"))
]
SLOW = ("tocsin demo", "tocsin replay day")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store, the examples and the schemas, a log, and a mended payload."""
    make_store(tmp_path)
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    shutil.copytree(ROOT / "docs/schemas", tmp_path / "docs/schemas")
    (tmp_path / "messages.log").write_text("<34>1 2026-05-01T22:14:15Z web1 su - ID47 - 'su root' failed\n")
    (tmp_path / "payload.json").write_text(
        '{"at": "2026-05-01T02:30:00Z", "door": "d", "state": "forced", "badge": ""}'
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(words: list[str]) -> Result:
    return CliRunner().invoke(cli, words[1:])


def listed(*words: str) -> list[dict[str, str]]:
    found = json.loads(run(["tocsin", *words, "--json"]).stdout)
    assert isinstance(found, list)
    return found


def filled(example: str) -> list[str]:
    """The words of an example, with ids for the names in capitals, and without a redirection."""
    words = shlex.split(example.partition(" > ")[0])
    if not {"INCIDENT", "OTHER", "ALERT", "DEAD", "SILENCE"} & set(words):
        return words
    incidents = [
        entry["id"] for entry in listed("incidents", "--all") if entry["status"] not in ("merged", "withdrawn")
    ]
    alerts = listed("alerts", "--incident", incidents[0], "--all")
    names = {"INCIDENT": incidents[0], "OTHER": incidents[-1], "ALERT": alerts[0]["fingerprint"]}
    for name, listing in (("DEAD", "dead"), ("SILENCE", "silence")):
        names[name] = next((entry["id"] for entry in listed(listing, "list")), name)
    return [names.get(word, word) for word in words]


def until_ready(words: list[str]) -> int:
    """Start a command that runs until it is stopped, wait until it is ready, stop it; its exit code."""
    with subprocess.Popen(
        [sys.executable, "-c", "from agents.cli.main import main; main()", *words[1:]], env=os.environ
    ) as child:
        for attempt in Retrying(stop=stop_after_delay(20), wait=wait_fixed(0.1)):
            with attempt:
                httpx.get("http://127.0.0.1:9095/-/ready").raise_for_status()
        child.terminate()
        return child.wait(20)


RUNS_ON = ("tocsin run ", "tocsin worker")
"""Examples that end only when they are stopped: tests/agents/cli/test_run.py and tests/integration/kafka run those."""
ON_KAFKA = ("tocsin kafka", "tocsin topics", "tocsin dead list --bootstrap", "tocsin models list --bootstrap")
"""Examples that need a broker: test_kafka_examples.py runs those."""
ON_ELASTIC = ("tocsin index", "tocsin backup")
"""Examples that need an Elasticsearch, with those that say so: test_elastic_examples.py runs those."""


def on_elastic(example: str) -> bool:
    return example.startswith(ON_ELASTIC) or "--elasticsearch" in example


@pytest.mark.parametrize(
    "example",
    [
        pytest.param(one, marks=[pytest.mark.slow] if one.startswith(SLOW) else [])
        for one in EXAMPLES
        if not one.startswith((*RUNS_ON, *ON_KAFKA)) and not on_elastic(one)
    ],
)
def test_the_example_runs(folder: Path, example: str) -> None:
    for start, commands in BEFORE.items():
        for command in commands if example.startswith(start) else ():
            assert run(filled(command)).exit_code == 0, command
    if example.startswith("tocsin run"):
        assert until_ready(filled(example)) == 0
        return
    ended = run(filled(example))
    if example in REFUSED:
        assert REFUSED[example] in ended.stderr
        return
    assert ended.exit_code == 0, ended.output
    if "--json" in example:
        json.loads(ended.stdout)


def test_every_example_is_on_the_page() -> None:
    page = (ROOT / "docs/cli.md").read_text(encoding="utf-8")
    assert [example for example in EXAMPLES if f"\n{example}\n" not in page] == []
