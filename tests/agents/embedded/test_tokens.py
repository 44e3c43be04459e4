"""Commands over HTTP: who carries a token may ask in its roles; without tokens only this machine is obeyed."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from agents.config import StoreSettings
from agents.embedded import tokens
from agents.embedded.host import Host
from agents.embedded.inputs.api import Api
from agents.embedded.live import Live
from agents.embedded.metrics import registry
from agents.embedded.reader import Reader, connect
from agents.embedded.store import Store
from pipeline.flow import Flow
from pipeline.settings import FlowSettings
from pipeline.sources.normalise import Normaliser
from schemas.base import ConfigError
from schemas.command import Role
from tests.agents.embedded.running import configure, free_port, patiently, process, ready, stop

KIM, DESK = "kim-0123456789abcdef", "desk-0123456789abcdef"
FILE = f"# name roles token\nkim operator,manager {KIM}\n\ndesk viewer {DESK}\n"
NOTE = {"by": "root", "action": "note", "target": "INC-0", "arguments": {"text": "x"}}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "tokens"
    path.write_text(FILE, encoding="utf-8")
    return path


def test_a_token_says_whose_it_is(file: Path) -> None:
    known = tokens.load(str(file))
    assert known.holder(f"Bearer {KIM}") == tokens.Holder("kim", (Role.OPERATOR, Role.MANAGER))
    assert known.holder(f"bearer  {DESK}") == tokens.Holder("desk", (Role.VIEWER,))


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", KIM, f"Basic {KIM}", f"Bearer {KIM[:-1]}", f"Bearer {KIM}x"]
)
def test_anything_else_is_nobody(file: Path, header: str) -> None:
    assert tokens.load(str(file)).holder(header) is None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "holds no token"),
        ("# kim\n", "holds no token"),
        (f"kim {KIM}\n", ":1: needs three words"),
        (f"\nkim king {KIM}\n", ":2: the second word is roles"),
        ("kim operator short-secret\n", ":1: the token of kim has 12 characters"),
        (f"kim operator {KIM}\nlee operator {KIM}\n", ":2: the token of lee is that of kim too"),
    ],
)
def test_a_wrong_file_is_told_by_line_and_never_shows_a_token(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "tokens"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as error:
        tokens.load(str(path))
    assert told in str(error.value)
    assert "short-secret" not in str(error.value)
    assert KIM not in str(error.value)


@pytest.fixture
def guarded(tmp_path: Path, file: Path) -> Iterator[str]:
    port = free_port()
    config = configure(tmp_path, inputs=[{"type": "http", "port": port, "token_file": file.name}])
    with process(config) as host:
        ready(f"http://127.0.0.1:{port}")
        yield f"http://127.0.0.1:{port}"
        errors = stop(host)
    assert KIM.encode() not in errors


def asked(url: str, token: str, **more: str) -> httpx.Response:
    headers = {"authorization": f"Bearer {token}"} if token else {}
    return httpx.post(f"{url}/v1/commands", json={**NOTE, **more}, headers=headers)


def test_a_host_with_tokens_obeys_those_who_have_one_in_its_roles(guarded: str) -> None:
    assert asked(guarded, "").status_code == 401
    assert asked(guarded, "nobody-0123456789abcdef").headers["www-authenticate"] == "Bearer"
    assert asked(guarded, KIM).json()["reason"] == "not-found"
    assert asked(guarded, KIM, role="manager").json()["reason"] == "not-found"
    claimed = asked(guarded, KIM, role="administrator")
    assert (claimed.status_code, claimed.json()["error"]) == (403, "the token of kim gives the roles operator, manager")
    assert asked(guarded, DESK).json()["reason"] == "not-allowed"


def test_with_tokens_records_are_for_those_who_have_one_and_health_for_all(guarded: str) -> None:
    for path in ("/v1/incidents", "/v1/incidents/INC-0", "/v1/alerts", "/v1/dead"):
        assert httpx.get(f"{guarded}{path}").status_code == 401
        assert httpx.get(f"{guarded}{path}", headers={"authorization": f"Bearer {DESK}"}).status_code != 401
    assert [httpx.get(f"{guarded}{path}").status_code for path in ("/-/healthy", "/-/ready", "/metrics")] == [200] * 3
    assert httpx.post(f"{guarded}/api/v2/alerts", json=[]).status_code == 200


def test_the_audit_trail_names_the_holder_of_the_token_and_not_who_was_claimed(guarded: str, tmp_path: Path) -> None:
    asked(guarded, KIM)

    @patiently
    def written() -> None:
        with closing(connect(str(tmp_path / "tocsin.db"))) as db:
            entries = [json.loads(entry) for entry in Reader(db).log("audit")]
        assert [(entry["by"], entry["role"]) for entry in entries] == [("kim", "operator")]

    written()


@pytest.mark.parametrize(
    ("address", "headers", "status"),
    [
        ("127.0.0.1", {}, 503),  # taken: it is only that the host has not begun
        ("::1", {}, 503),
        ("::ffff:127.0.0.1", {}, 503),
        ("127.0.0.1", {"origin": "http://evil.example"}, 403),
        ("10.0.0.7", {}, 403),
        ("2001:db8::1", {}, 403),
        ("somewhere", {}, 403),
    ],
)
def test_without_tokens_only_this_machine_is_obeyed(
    tmp_path: Path, address: str, headers: dict[str, str], status: int
) -> None:
    with closing(Store(str(tmp_path / "tocsin.db"))) as store:
        live = Live(Host(Flow(FlowSettings()), Normaliser({}), store), StoreSettings())
        app = Api(live, registry(live, [], Counter())).app()

        async def answer() -> int:
            transport = httpx.ASGITransport(app, client=(address, 40_000))
            async with httpx.AsyncClient(transport=transport, base_url="http://host") as client:
                return (await client.post("/v1/commands", json=NOTE, headers=headers)).status_code

        assert asyncio.run(answer()) == status
