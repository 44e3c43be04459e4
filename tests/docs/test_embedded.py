"""The page about the embedded host names every path, metric and reason that there is, and its examples are true."""

from __future__ import annotations

import re
from collections import Counter
from contextlib import closing
from pathlib import Path

from starlette.routing import Route

from agents.config import StoreSettings
from agents.embedded import tokens
from agents.embedded.host import Host
from agents.embedded.inputs.api import Api
from agents.embedded.inputs.http import ALERTS, EVENTS
from agents.embedded.live import Live
from agents.embedded.metrics import registry
from agents.embedded.store import Store
from pipeline.flow import Flow
from pipeline.practices.notify import Reason
from pipeline.settings import FlowSettings
from pipeline.sources.normalise import Normaliser

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/embedded.md").read_text(encoding="utf-8")


def test_every_path_is_named(tmp_path: Path) -> None:
    with closing(Store(str(tmp_path / "tocsin.db"))) as store:
        one = Live(Host(Flow(FlowSettings()), Normaliser({}), store), StoreSettings())
        routes = Api(one, registry(one, [], Counter())).app().routes
    paths = {ALERTS, f"{EVENTS}{{source}}", *(route.path for route in routes if isinstance(route, Route))}
    named = set(re.findall(r"`(?:GET|POST) ([^`]+)`", PAGE))
    assert named == paths


def test_every_metric_is_named(tmp_path: Path) -> None:
    with closing(Store(str(tmp_path / "tocsin.db"))) as store:
        one = Live(Host(Flow(FlowSettings()), Normaliser({}), store), StoreSettings())
        families = list(registry(one, [], Counter()).collect())
    known = {f"{family.name}_total" if family.type == "counter" else family.name for family in families}
    assert known == set(re.findall(r"`(tocsin_\w+)", PAGE))


def test_every_reason_of_a_notice_is_named() -> None:
    assert {reason.value for reason in Reason} <= set(re.findall(r"\| `([a-z ]+)` \|", PAGE))


def test_the_file_of_tokens_is_one(tmp_path: Path) -> None:
    (example,) = re.findall(r"```text\n(# name.*?)```", PAGE, re.DOTALL)
    (tmp_path / "tokens").write_text(example, encoding="utf-8")
    holder = tokens.load(str(tmp_path / "tokens")).holder("Bearer and-another-one-here")
    assert holder is not None
    assert holder.name == "ticketing"
