"""Every key of the configuration, with what it takes, its default and its meaning: read off the models."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from enum import Enum
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from agents.config import Config
from schemas.base import DAY, HOUR, MINUTE, SECOND
from schemas.reference import Matcher

SPAN_MOST = 366 * DAY
TIME_MOST = 253_402_300_799_999
_TIMES = ("starts", "ends")
_SPANS = ("within", "hold", "own", "resolve")


class Key(NamedTuple):
    """One key: its path (a list shows as [], a name of the user's as NAME), and what there is to say about it."""

    path: str
    takes: str
    default: str
    meaning: str


class Group(NamedTuple):
    """The keys of one model, at one path."""

    path: str
    meaning: str
    keys: list[Key]


def groups(model: type[BaseModel] = Config, path: str = "") -> Iterator[Group]:
    """The keys of a model and of all models below it, in the order of the models."""
    keys: list[Key] = []
    below: list[tuple[type[BaseModel], str]] = []
    for name, field in model.model_fields.items():
        where = f"{path}.{name}" if path else name
        suffix, inner = _below(field.annotation)
        keys.append(
            Key(where + suffix, _takes(field, name, inner), _default(field, name, inner), _meaning(field, inner))
        )
        below += [(child, where + suffix) for child in inner]
    yield Group(path, _first_line(model), keys)
    for child, where in below:
        yield from groups(child, where)


def table(start: str = "") -> str:
    """All groups as Markdown."""
    parts = []
    for group in groups():
        if not group.path.startswith(start):
            continue
        title = f"`{group.path}`" if group.path else "The file"
        parts += [f"### {title}", "", group.meaning, "", "| key | takes | default | meaning |", "|---|---|---|---|"]
        parts += [f"| `{key.path}` | {key.takes} | {key.default} | {key.meaning} |" for key in group.keys]
        parts.append("")
    return "\n".join(parts)


def _first_line(model: type[BaseModel]) -> str:
    return (model.__doc__ or "").strip().splitlines()[0]


def _bare(annotation: Any) -> Any:
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    return annotation


def _options(annotation: Any) -> list[Any]:
    """The branches of a union, or the annotation itself."""
    bare = _bare(annotation)
    if get_origin(bare) in (Union, UnionType):
        return [_bare(branch) for branch in get_args(bare) if branch is not NoneType]
    return [bare]


def _below(annotation: Any) -> tuple[str, list[type[BaseModel]]]:
    """What a path gets appended, and the models under it."""
    bare = _bare(annotation)
    origin, suffix = get_origin(bare), ""
    if origin is tuple and get_args(bare)[-1] is Ellipsis:
        suffix, bare = "[]", get_args(bare)[0]
    elif origin is dict:
        suffix, bare = ".NAME", get_args(bare)[1]
    models = [
        option
        for option in _options(bare)
        if isinstance(option, type) and issubclass(option, BaseModel) and option is not Matcher
    ]
    return (suffix if models else ""), models


def _takes(field: FieldInfo, name: str, inner: list[type[BaseModel]]) -> str:
    if inner:
        origin = get_origin(_bare(field.annotation))
        if origin is tuple:
            return "list, see below"
        return "names with keys, see below" if origin is dict else "keys, see below"
    return _words(field.annotation, field.metadata, name)


def _words(annotation: Any, metadata: list[Any], name: str) -> str:
    bare = _bare(annotation)
    if get_origin(annotation) is Annotated:
        metadata = [*metadata, *_metadata(annotation)]
    if get_origin(bare) is Literal:
        return ", ".join(f"`{value}`" for value in get_args(bare))
    if isinstance(bare, type) and issubclass(bare, Enum):
        return ", ".join(f"`{member.value}`" for member in bare)
    if bare is Matcher:
        return "matchers"
    if get_origin(bare) is tuple:
        return f"list of {_words(get_args(bare)[0], [], name)}"
    if get_origin(bare) is dict:
        inner = get_args(bare)[1]
        return f"names with {_words(inner, _metadata(inner), name).partition(',')[0]}s"
    if bare is int:
        low, high = _bound(metadata, "ge", "gt"), _bound(metadata, "le", "lt")
        if name in _TIMES or high == TIME_MOST:
            return "time"
        if name in _SPANS or high == SPAN_MOST:
            return "duration"
        return f"whole number{_range(low, high)}"
    if bare is float:
        return f"number{_range(_bound(metadata, 'ge', 'gt'), _bound(metadata, 'le', 'lt'))}"
    return {bool: "`true`, `false`", str: "text", date: "date"}.get(bare, "text")


def _metadata(annotation: Any) -> list[Any]:
    found: list[Any] = []
    for extra in get_args(annotation)[1:]:
        found += extra.metadata if isinstance(extra, FieldInfo) else [extra]
    return found


def _bound(metadata: list[Any], *names: str) -> float | None:
    return next((getattr(part, name) for part in metadata for name in names if hasattr(part, name)), None)


def _range(low: float | None, high: float | None) -> str:
    if low is None:
        return "" if high is None else f", at most {high}"
    return f", at least {low}" if high is None else f", {low} to {high}"


def _default(field: FieldInfo, name: str, inner: list[type[BaseModel]]) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True, validated_data={})
    if value is PydanticUndefined or (inner and isinstance(value, BaseModel)):
        return ""
    if isinstance(value, tuple) and value and isinstance(value[0], BaseModel):
        return f"{len(value)} built in"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, int) and _words(field.annotation, field.metadata, name) == "duration":
        return f"`{written_span(value)}`"
    if value in ("", (), {}, None):
        return ""
    if isinstance(value, tuple):
        return f"`{_listed(value)}`"
    return f"`{value}`"


def _listed(value: object) -> str:
    return f"[{', '.join(_listed(part) for part in value)}]" if isinstance(value, tuple) else str(value)


def written_span(millis: int) -> str:
    """A duration as one writes it in the file: 90s, 1h30m."""
    text = ""
    for unit, size in (("d", DAY), ("h", HOUR), ("m", MINUTE), ("s", SECOND), ("ms", 1)):
        number, millis = divmod(millis, size)
        text += f"{number}{unit}" if number else ""
    return text or "0s"


def _meaning(field: FieldInfo, inner: list[type[BaseModel]]) -> str:
    meaning = field.description or " ".join(_first_line(model) for model in inner)
    return meaning.replace("|", "\\|").removesuffix(".")
