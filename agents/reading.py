"""Reads text, YAML, JSON and TOML files, and knows on which line each key of them stands."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Mapping
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from schemas.base import ConfigError
from schemas.faults import Fault
from schemas.faults import Path as Keys

FORMATS: dict[str, str] = {".yaml": "yaml", ".yml": "yaml", ".json": "json", ".toml": "toml", ".csv": "csv"}
"""How a file is read, by how its name ends."""


if TYPE_CHECKING or not yaml.__with_libyaml__:
    from yaml import SafeLoader
else:
    from yaml import CSafeLoader as SafeLoader  # ten times as quick


class _Loader(SafeLoader):
    """YAML 1.2's reading of plain words: only true and false are truth values, 10:00 is a text, so is NO."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - as the parent declares it


_PLAIN_WORDS: tuple[tuple[str, str, list[str]], ...] = (
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", list("-+0123456789")),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)", list("-+.0123456789")),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("merge", r"<<", ["<"]),
)
for _tag, _pattern, _first in _PLAIN_WORDS:
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), _first)


def _whole(loader: _Loader, node: yaml.ScalarNode) -> int:
    """A whole number as YAML 1.2 has it: 010 is ten, 0o10 is eight."""
    text = str(loader.construct_scalar(node))
    return int(text, 0) if text.lower().startswith(("0o", "0x")) else int(text)


_Loader.add_constructor("tag:yaml.org,2002:int", _whole)


class Document:
    """A decoded file: its data, and the line of each path where the format tells."""

    def __init__(self, path: Path, data: object, lines: Callable[[], Mapping[Keys, int]] = dict) -> None:
        self.path = path
        self.data = data
        self._find = lines

    @cached_property
    def _lines(self) -> Mapping[Keys, int]:
        """Looked for only when there is something to complain about."""
        return self._find()

    def line(self, keys: Keys) -> int | None:
        """The line of `keys`, or of the nearest thing around it."""
        while keys and keys not in self._lines:
            keys = keys[:-1]
        return self._lines.get(keys)

    def place(self, fault: Fault) -> str:
        """One fault as FILE:LINE: KEY: what is wrong."""
        line = self.line(fault.path)
        where = f"{self.path}:{line}" if line else str(self.path)
        return f"{where}: {fault}"

    def complain(self, faults: list[Fault]) -> ConfigError:
        """All that is wrong with the file in one message, in the order of the file."""
        ordered = sorted(faults, key=lambda fault: self.line(fault.path) or 0)
        return ConfigError("\n".join(dict.fromkeys(self.place(fault) for fault in ordered)))


def read_text(path: Path) -> str:
    """The text of a file. Raises ConfigError where it is missing, unreadable or not UTF-8."""
    try:
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is not UTF-8 text (byte {error.start})") from error


def form_of(path: Path, *allowed: str) -> str:
    """How the file is to be read, by its ending. Raises ConfigError for an ending that is not `allowed`."""
    form = FORMATS.get(path.suffix.lower())
    if form not in allowed:
        endings = ", ".join(ending for ending, name in FORMATS.items() if name in allowed)
        raise ConfigError(f"{path}: its name must end in one of {endings}")
    return form


def read_document(path: Path, *allowed: str) -> Document:
    """Decode a YAML, JSON or TOML file. Raises ConfigError with the line for a syntax error."""
    form = form_of(path, *(allowed or ("yaml", "json", "toml")))
    text = read_text(path)
    if form == "yaml":
        return _yaml(path, text)
    try:
        data: object = json.loads(text) if form == "json" else tomllib.loads(text)
    except json.JSONDecodeError as error:
        raise ConfigError(f"{path}:{error.lineno}: is not JSON: {error.msg} (column {error.colno})") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: is not TOML: {error}") from error
    except RecursionError:
        raise ConfigError(f"{path}: is nested too deep") from None
    return Document(path, data, partial(_lines_of_json, text) if form == "json" else dict)


def _yaml(path: Path, text: str) -> Document:
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        lines: dict[Keys, int] = {}
        if node is not None:
            _mark(node, (), lines, [])
        data = loader.construct_document(node) if node is not None else {}
    except yaml.MarkedYAMLError as error:
        line = f":{error.problem_mark.line + 1}" if error.problem_mark else ""
        raise ConfigError(f"{path}{line}: is not YAML: {error.problem or error.context}") from error
    except (yaml.YAMLError, ValueError) as error:
        raise ConfigError(f"{path}: is not YAML: {error}") from error
    except RecursionError:
        raise ConfigError(f"{path}: is nested too deep") from None
    finally:
        loader.dispose()
    return Document(path, {} if data is None else data, lambda: lines)


def _mark(node: yaml.Node, at: Keys, lines: dict[Keys, int], above: list[yaml.Node]) -> None:
    """Note the line of each path below `node`; refuse a key given twice, and an alias of what it stands in."""
    if node in above:
        raise yaml.MarkedYAMLError(problem="an alias that holds itself", problem_mark=node.start_mark)
    above.append(node)
    lines.setdefault(at, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            name = key.value if isinstance(key, yaml.ScalarNode) else "?"
            if name in seen:
                raise yaml.MarkedYAMLError(problem=f"key {name!r} is given twice", problem_mark=key.start_mark)
            seen.add(name)
            lines[(*at, name)] = key.start_mark.line + 1
            _mark(value, (*at, name), lines, above)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            _mark(value, (*at, index), lines, above)
    above.pop()


def _lines_of_json(text: str) -> Mapping[Keys, int]:
    """The line of each path of a valid JSON text: nearly all JSON is YAML; where it is not, no line is told."""
    lines: dict[Keys, int] = {}
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        if node is not None:
            _mark(node, (), lines, [])
    except yaml.YAMLError:
        return {}
    finally:
        loader.dispose()
    return lines
