"""A wrong configuration stops the start with one message that says where, what and what is allowed."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.config import Config, FileInput, JsonLinesOutput
from agents.loader import load
from pipeline.settings import FlowSettings
from schemas.base import ConfigError


def written(folder: Path, text: str, name: str = "tocsin.yaml") -> Path:
    path = folder / name
    path.write_text(textwrap.dedent(text), encoding="utf-8")
    return path


def complaint(folder: Path, text: str, name: str = "tocsin.yaml") -> list[str]:
    path = written(folder, text, name)
    with pytest.raises(ConfigError) as caught:
        load(path)
    return [line.replace(str(path), name) for line in str(caught.value).splitlines()]


def test_an_empty_file_is_all_defaults(tmp_path: Path) -> None:
    config = load(written(tmp_path, ""))
    assert config.flow == FlowSettings()
    assert config.inputs == ()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("tocsin.yaml", "flow: {dedup: {reopen: 7m}}"),
        ("tocsin.yml", "flow: {dedup: {reopen: 420000}}"),
        ("tocsin.json", '{"flow": {"dedup": {"reopen": "7m"}}}'),
        ("tocsin.toml", '[flow.dedup]\nreopen = "7m"'),
    ],
)
def test_all_three_formats_say_the_same(tmp_path: Path, name: str, text: str) -> None:
    assert load(written(tmp_path, text, name)).flow.dedup.reopen == 420_000


def test_paths_start_where_the_file_lies(tmp_path: Path) -> None:
    (tmp_path / "items.csv").write_text("id,kind\nweb,host\n")
    (tmp_path / "day.jsonl").touch()
    config = load(
        written(
            tmp_path,
            """
            inputs: [{type: file, path: day.jsonl}, {type: file, path: "-"}]
            outputs: [{type: jsonl, path: out/incidents.jsonl}, {type: jsonl, path: "-"}]
            store: {path: state/tocsin.db}
            reference: [items.csv]
            """,
        )
    )
    files = [entry.path for entry in config.inputs if isinstance(entry, FileInput)]
    lines = [entry.path for entry in config.outputs if isinstance(entry, JsonLinesOutput)]
    assert files == [str(tmp_path / "day.jsonl"), "-"]
    assert lines == [str(tmp_path / "out/incidents.jsonl"), "-"]
    assert config.store.path == str(tmp_path / "state/tocsin.db")
    assert config.reference == (str(tmp_path / "items.csv"),)


def test_people_write_times_spans_and_matchers_as_text(tmp_path: Path) -> None:
    config = load(
        written(
            tmp_path,
            """
            flow:
              silences:
                - {id: s1, matchers: ['service="mail"'], starts: 2026-05-01T22:00:00+02:00, ends: 2026-05-01T22:00:00Z}
              holds: [{id: h1, severities: [minor], hold: 1h30m}]
              correlate:
                rules: [{id: r1, matchers: [host=~web.*], within: 90s}]
              incident:
                targets: [{priority: 1, own: 5m, resolve: 2h}]
            """,
        )
    )
    (silence,) = config.flow.silences
    assert (silence.starts, silence.ends) == (1_777_665_600_000, 1_777_672_800_000)
    assert (silence.matchers[0].label, silence.matchers[0].op, silence.matchers[0].value) == ("service", "=", "mail")
    assert config.flow.holds[0].hold == 5_400_000
    assert config.flow.correlate.rules[0].within == 90_000
    assert config.flow.correlate.rules[0].matchers[0].op == "=~"
    assert config.flow.incident.targets[0].own == 300_000


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "flow:\n  dedup:\n    reopn: 5m",
            "tocsin.yaml:3: flow.dedup.reopn: unknown key; did you mean 'reopen'? known: expire, remember, reopen",
        ),
        (
            "inputs:\n- type: syslog\n  protocol: tls",
            "tocsin.yaml:3: inputs[0].protocol: must be one of 'udp', 'tcp'; found 'tls'",
        ),
        ("inputs:\n- type: http\n  port: 70000", "tocsin.yaml:3: inputs[0].port: must be 65535 or less; found 70000"),
        (
            "inputs:\n- type: htpp",
            "tocsin.yaml:2: inputs[0].type: there is no 'htpp'; did you mean 'http'? known: file, syslog, http",
        ),
        ("inputs:\n- port: 1", "tocsin.yaml:2: inputs[0].type: required, and missing; one of: file, syslog, http"),
        ("inputs:\n- type: file", "tocsin.yaml:2: inputs[0].path: required, and missing"),
        (
            "inputs:\n- type: http\n  prot: 1",
            "tocsin.yaml:3: inputs[0].prot: unknown key; did you mean 'port'? known: host, max_body, port, "
            "token_file, type",
        ),
        (
            "flow:\n  dedup: {reopen: 5 minutes}",
            "tocsin.yaml:2: flow.dedup.reopen: a duration is like 30s, 5m, 1h30m or 1d, or a whole number of "
            "milliseconds; found '5 minutes'",
        ),
        ("flow:\n  flapping: {start: 0.2, stop: 0.4}", "tocsin.yaml:2: flow.flapping: stop must be below start"),
        (
            "flow:\n  incident:\n    open_at: fatal",
            "tocsin.yaml:3: flow.incident.open_at: must be one of 'critical', 'major', 'minor', 'warning', 'info'; "
            "found 'fatal'",
        ),
        (
            "flow:\n  silences:\n  - {id: s, matchers: [mail], starts: 1, ends: 2}",
            'tocsin.yaml:3: flow.silences[0].matchers[0]: a matcher is like service="mail" or host=~"web.*"; '
            "found 'mail'",
        ),
        (
            "flow:\n  silences:\n  - {id: s, matchers: [a=b], starts: 2026-05-01T10:00:00, ends: 2}",
            "tocsin.yaml:3: flow.silences[0].starts: a time needs its zone, like 2026-05-01T10:00:00Z or "
            "2026-05-01T10:00:00+01:00",
        ),
        (
            "flow:\n  holds:\n  - {id: a, hold: 1m}\n  - {id: a, hold: 2m}",
            "tocsin.yaml:4: flow.holds[1]: 'a' is already given by [0]",
        ),
        (
            "flow:\n  incident:\n    calendars:\n    - {id: always}\n    - {id: x, timezone: Mars/Base}",
            "tocsin.yaml:5: flow.incident.calendars[1].timezone: there is no time zone 'Mars/Base'; one is like UTC or "
            "Europe/Berlin",
        ),
        (
            "outputs:\n- {type: webhook, url: ticketing.example}",
            "tocsin.yaml:2: outputs[0].url: must be like https://host/path",
        ),
        (
            "outputs:\n- {type: webhook, url: 'https://me:pass@ticketing.example/'}",
            "tocsin.yaml:2: outputs[0].url: holds a password; secrets are given by secret_file only",
        ),
        (
            "outputs:\n- {type: webhook, url: 'https://ticketing.example/', secret: abc}",
            "tocsin.yaml:2: outputs[0].secret: unknown key; did you mean 'secret_file'? known: format, give_up, "
            "grouped, secret_file, timeout, timing, type, url",
        ),
        ("store: 5", "tocsin.yaml:1: store: needs keys with values; found 5"),
        ("[1]", "tocsin.yaml:1: needs keys with values"),
        ("a: 1\na: 2", "tocsin.yaml:2: is not YAML: key 'a' is given twice"),
        ("a: &x [*x]", "tocsin.yaml:1: is not YAML: an alias that holds itself"),
        ("a: [1", "tocsin.yaml:2: is not YAML: did not find expected ',' or ']'"),
        (
            "inputs:\n- {type: syslog, source: syslg}",
            "tocsin.yaml:2: inputs[0].source: there is no source 'syslg'; did you mean 'syslog'? known: ",
        ),
    ],
)
def test_the_message_names_file_line_key_and_what_is_allowed(tmp_path: Path, text: str, said: str) -> None:
    (line,) = complaint(tmp_path, text)
    assert line == said or (said.endswith(": ") and line.startswith(said))


def test_a_file_that_is_named_must_be_there(tmp_path: Path) -> None:
    (line,) = complaint(tmp_path, "reference:\n- items.csv")
    assert line == f"tocsin.yaml:2: reference[0]: there is no file {tmp_path / 'items.csv'}"


def test_what_is_wrong_in_a_mapping_file_is_told_too(tmp_path: Path) -> None:
    (tmp_path / "doors.yaml").write_text("format: json\ncheck: a\nseverity: minor\n")
    (line,) = complaint(tmp_path, "sources:\n  doors: {mapping: doors.yaml}")
    said = f"{tmp_path}/doors.yaml:1: resource: required, and missing"
    assert line == f"tocsin.yaml:2: sources.doors.mapping: {said}"


def test_an_option_that_a_source_does_not_have_is_told(tmp_path: Path) -> None:
    (line,) = complaint(tmp_path, "sources:\n  syslog: {options: {timezon: UTC}}")
    assert line.startswith("tocsin.yaml:2: sources.syslog.options: ")
    assert "timezone" in line


def test_an_empty_secret_is_no_secret(tmp_path: Path) -> None:
    (tmp_path / "secret").touch()
    (line,) = complaint(tmp_path, "outputs:\n- {type: webhook, url: 'http://x/', secret_file: secret}")
    assert line.endswith("secret is empty")


def test_everything_wrong_is_told_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    lines = complaint(
        tmp_path, "store: {checkpoint_every: 0}\nflow:\n  time: {idel: 1s}\n  scope: {by: moon}\nport: 5\n"
    )
    assert [line.split(":")[1] for line in lines] == ["1", "3", "4", "5"]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.json", '{\n"flow": }', "a.json:2: is not JSON: Expecting value (column 9)"),
        ("a.json", '{\n"store": {\n"pth": "x"}}', "a.json:3: store.pth: unknown key; did you mean 'path'?"),
        ("a.toml", "a = ", "a.toml: is not TOML: Invalid value"),
        ("a.ini", "", "a.ini: its name must end in one of .yaml, .yml, .json, .toml"),
    ],
)
def test_other_formats_are_as_clear(tmp_path: Path, name: str, text: str, said: str) -> None:
    assert complaint(tmp_path, text, name)[0].startswith(said)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.yaml: no such file"):
        load(tmp_path / "nowhere.yaml")


def test_text_that_is_not_utf8_is_named(tmp_path: Path) -> None:
    (tmp_path / "tocsin.yaml").write_bytes(b"store: {path: \xff}")
    with pytest.raises(ConfigError, match=r"is not UTF-8 text \(byte 14\)"):
        load(tmp_path / "tocsin.yaml")


Json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(sorted(Config.model_fields)), inner),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(sorted(Config.model_fields)), Json))
def test_whatever_is_in_the_file_it_loads_or_is_told_by_line(
    tmp_path_factory: pytest.TempPathFactory, data: dict[str, object]
) -> None:
    path = tmp_path_factory.mktemp("any") / "tocsin.json"
    path.write_text(json.dumps(data), encoding="utf-8")
    try:
        lines = []
        assert isinstance(load(path), Config)
    except ConfigError as error:
        lines = str(error).splitlines()
    assert all(line.startswith(f"{path}:") for line in lines)
