"""Every payload on the pages of the sources is tried: it gives what the page says."""

import re
from base64 import b64decode
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from pipeline.sources.base import Source
from pipeline.sources.common import REASONS
from pipeline.sources.mapped import Mapped
from pipeline.sources.mapping import SourceMapping, parse_mapping
from pipeline.sources.registry import SOURCES, make_source
from schemas.base import ConfigError
from tests.pipeline.sources.samples import raw

PAGES = Path(__file__).resolve().parents[2] / "docs" / "sources"
BLOCK = re.compile(r"^```(\w+) (payload|mapping)([\w ]*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


class Example(NamedTuple):
    page: str
    mapping: str
    kinds: list[str]
    payload: bytes


def examples(page: str) -> list[Example]:
    """The payloads of a page, each with the mapping that stands before it."""
    found: list[Example] = []
    mapping = ""
    for language, what, kinds, text in BLOCK.findall((PAGES / f"{page}.md").read_text(encoding="utf-8")):
        if what == "mapping":
            mapping = text
        else:
            payload = b64decode(text) if language == "base64" else text.encode()
            found.append(Example(page, mapping, kinds.split(), payload))
    return found


NAMES = [*SOURCES, "mapped"]
EXAMPLES = [example for name in NAMES for example in examples(name)]


@pytest.mark.parametrize("name", NAMES)
def test_each_source_has_a_page_with_a_payload_and_a_table(name: str) -> None:
    assert examples(name)
    text = (PAGES / f"{name}.md").read_text(encoding="utf-8")
    assert "## How fields map\n" in text
    assert f"]({name}.md)" in (PAGES / "index.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("example", EXAMPLES, ids=[f"{e.page}-{'-'.join(e.kinds)}" for e in EXAMPLES])
def test_a_payload_gives_what_the_page_says(example: Example) -> None:
    source: Source
    if example.mapping:
        source = Mapped(parse_mapping(yaml.safe_load(example.mapping), f"{example.page}.md"))
    else:
        source = make_source(example.page)
    decoded = source.decode(raw(example.page, example.payload))
    assert not decoded.refused
    assert example.kinds
    samples = ["sample"] * (len(decoded.samples) if "sample" in example.kinds else 0)
    assert [event.kind.value for event in decoded.events] + samples == example.kinds


def test_the_pages_name_every_reason_and_every_key_of_a_mapping() -> None:
    index = (PAGES / "index.md").read_text(encoding="utf-8")
    assert [reason for reason in sorted(REASONS) if f"`{reason}`" not in index] == []
    keys = re.findall(r"^\| ([\w, ]+) \|", (PAGES / "mapped.md").read_text(encoding="utf-8"), re.MULTILINE)
    documented = {key.strip() for row in keys for key in row.split(",")}
    assert set(SourceMapping.model_fields) - documented == set()


@pytest.mark.parametrize("name", SOURCES)
def test_every_option_is_on_the_page(name: str) -> None:
    with pytest.raises(ConfigError) as refused:
        make_source(name, options={"?": ""})
    allowed = str(refused.value).partition("allowed: ")[2].split(", ")
    text = (PAGES / f"{name}.md").read_text(encoding="utf-8")
    expected = ["no options"] if allowed == ["none"] else allowed
    assert [option for option in expected if option not in text] == []
