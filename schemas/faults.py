"""Puts into words what is wrong with a document that should have been a record: where, what, and what is allowed."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

Path = tuple[str | int, ...]

_PLAIN: dict[str, str] = {
    "missing": "required, and missing",
    "string_type": "needs a text (in quotes)",
    "int_type": "needs a whole number",
    "int_parsing": "needs a whole number",
    "int_from_float": "needs a whole number",
    "float_type": "needs a number",
    "float_parsing": "needs a number",
    "bool_type": "needs true or false",
    "bool_parsing": "needs true or false",
    "tuple_type": "needs a list",
    "list_type": "needs a list",
    "dict_type": "needs keys with values",
    "model_type": "needs keys with values",
    "model_attributes_type": "needs keys with values",
    "date_from_datetime_parsing": "needs a date like 2026-12-24",
    "date_parsing": "needs a date like 2026-12-24",
}

_BOUNDS: dict[str, tuple[str, str]] = {
    "greater_than": ("gt", "must be more than {}"),
    "greater_than_equal": ("ge", "must be {} or more"),
    "less_than": ("lt", "must be less than {}"),
    "less_than_equal": ("le", "must be {} or less"),
}


class Fault(NamedTuple):
    """One thing that is wrong at one place of a document."""

    path: Path
    text: str

    def __str__(self) -> str:
        where = dotted(self.path)
        return f"{where}: {self.text}" if where else self.text


def dotted(path: Path) -> str:
    """A path as people write it: inputs[0].path."""
    written = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return written.removeprefix(".")


def unknown(name: str, known: list[str]) -> str:
    """The sentence about a name that nobody knows: what was probably meant, and what there is."""
    near = get_close_matches(name, known, n=1)
    guess = f"did you mean {near[0]!r}? " if near else ""
    return f"{guess}known: {', '.join(known)}" if known else "none is known here"


def faults(error: ValidationError, model: type[BaseModel], data: object) -> list[Fault]:
    """What `error` says about `data` that should have been a `model`, in the order in which it was found."""
    details = error.errors(include_url=False)
    told = (_fault(detail, model, data) for detail in details if not _follows(detail, details))
    return [fault for fault in told if fault is not None]


def _follows(detail: Any, details: list[Any]) -> bool:
    """A list that is too short only because what is in it was refused: the refusals tell all."""
    place = detail["loc"]
    return detail["type"] == "too_short" and any(
        len(other["loc"]) > len(place) and other["loc"][: len(place)] == place for other in details
    )


def _fault(detail: Any, model: type[BaseModel], data: object) -> Fault | None:
    """None where pydantic speaks of a branch of a union that was not meant: keys for a text, a text for keys."""
    found = _walk(detail["loc"], model, data)
    if found is None:
        return None
    path, owner = found
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "extra_forbidden":
        return Fault(path, f"unknown key; {unknown(str(path[-1]), _fields(owner))}")
    if kind == "union_tag_not_found":
        return Fault((*path, "type"), f"required, and missing; one of: {', '.join(_tags(owner))}")
    if kind == "union_tag_invalid":
        tag = context.get("tag", "")
        return Fault((*path, "type"), f"there is no {tag!r}; {unknown(str(tag), _tags(owner))}")
    return Fault(path, _words(kind, context, detail))


def _words(kind: str, context: Mapping[str, Any], detail: Any) -> str:
    got = _shown(detail.get("input"))
    if kind in _BOUNDS:
        name, words = _BOUNDS[kind]
        return words.format(context[name]) + got
    if kind in {"enum", "literal_error"}:
        return f"must be one of {context['expected'].replace(' or ', ', ')}{got}"
    if kind == "missing":
        return _PLAIN[kind]
    if kind == "string_too_short":
        return "must not be empty"
    if kind == "too_short":
        return f"needs {context['min_length']} or more"
    if kind == "value_error":
        return f"{context['error']}{got}"
    if kind == "string_pattern_mismatch":
        return f"must match {context['pattern']}{got}"
    plain = str(detail["msg"])
    return _PLAIN.get(kind, plain[:1].lower() + plain[1:]) + got


def _shown(value: object) -> str:
    """What was found instead, where that is short enough to help."""
    if isinstance(value, str | int | float) and len(repr(value)) <= 60:
        return f"; found {value!r}"
    return ""


def _walk(location: tuple[str | int, ...], model: type[BaseModel], data: object) -> tuple[Path, object] | None:
    """The path in the document of pydantic's location (which names the branch of a union too), and what lies there.

    The second value is the annotation that holds the last step, or of the place itself where it is a union. None where
    the location goes into a branch that was not meant.
    """
    path: list[str | int] = []
    annotation: object = model
    owner: object = model
    for step in location:
        annotation = _choose(annotation, data)
        if isinstance(data, Mapping) and step not in data and data.get("type") == step:
            continue  # the branch of a union, not a key
        if branches := _union(annotation):
            annotation = next((branch for branch in branches if _is_model(branch, str(step))), None)
            if isinstance(data, Mapping) != (annotation is not None):
                return None
            continue
        owner = annotation
        path.append(step)
        annotation = _below(annotation, step)
        if isinstance(data, Mapping):
            data = data.get(step)
        elif isinstance(data, list) and isinstance(step, int) and step < len(data):
            data = data[step]
        else:
            data = None
    return tuple(path), annotation if _union(_bare(annotation)) else owner


def _is_model(branch: object, name: str) -> bool:
    return isinstance(branch, type) and issubclass(branch, BaseModel) and branch.__name__ == name


def _bare(annotation: object) -> object:
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    return annotation


def _union(annotation: object) -> list[object]:
    """The branches of a union, without None; empty for anything else."""
    if get_origin(annotation) not in (Union, UnionType):
        return []
    return [_bare(branch) for branch in get_args(annotation) if branch is not NoneType]


def _choose(annotation: object, data: object) -> object:
    """The branch of a union that `data` asks for by its `type`."""
    annotation = _bare(annotation)
    branches = _union(annotation)
    if len(branches) == 1:
        return branches[0]
    for branch in branches:
        if isinstance(data, Mapping) and data.get("type") in _tags(branch):
            return branch
    return annotation


def _below(annotation: object, step: str | int) -> object:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        field = annotation.model_fields.get(str(step))
        return field.annotation if field else None
    arguments = get_args(annotation)
    return arguments[-1] if get_origin(annotation) is dict else arguments[0] if arguments else None


def _tags(annotation: object) -> list[str]:
    branches = _union(_bare(annotation)) or [annotation]
    found: list[str] = []
    for branch in branches:
        if isinstance(branch, type) and issubclass(branch, BaseModel) and "type" in branch.model_fields:
            kind = branch.model_fields["type"].annotation
            found += [str(tag) for tag in get_args(kind)] if get_origin(kind) is Literal else []
    return found


def _fields(annotation: object) -> list[str]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return sorted(annotation.model_fields)
    return []
