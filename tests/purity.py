"""Reads source text and names what the core must not do: ask a clock, do I/O, print."""

import ast
from collections.abc import Iterator

CLOCK = {"now", "utcnow", "today"}
BUILTINS = {"breakpoint", "input", "open", "print"}
MODULES = {"http", "io", "os", "pathlib", "tempfile", "time", "urllib.error", "urllib.request"}


def impurities(source: str) -> list[str]:
    """Each thing in `source` that is not pure, as "line: what"."""
    tree = ast.parse(source)
    clocks = _names_of_datetime(tree)
    return sorted(
        f"{node.lineno}: {what}"
        for node in ast.walk(tree)
        if isinstance(node, ast.expr | ast.stmt)
        for what in _impure(node, clocks)
    )


def _impure(node: ast.expr | ast.stmt, clocks: set[str]) -> Iterator[str]:
    match node:
        case ast.Import():
            yield from (f"import {alias.name}" for alias in node.names if _is_impure_module(alias.name))
        case ast.ImportFrom(module=str(module), names=names, level=0):
            yield from (f"import {name}" for name in _imported(module, names) if _is_impure_module(name))
        # Naming it is enough: `default_factory=datetime.now` calls nothing here, and asks the clock all the same.
        case ast.Attribute(value=value, attr=attr) if attr in CLOCK and _root(value) in clocks:
            yield f"{ast.unparse(node)} asks the clock"
        case ast.Call(func=ast.Name(id=name)) if name in BUILTINS:
            yield f"{name}() is I/O"
        case _:
            pass


def _imported(module: str, names: list[ast.alias]) -> list[str]:
    return [module] if _is_impure_module(module) else [f"{module}.{alias.name}" for alias in names]


def _is_impure_module(name: str) -> bool:
    return any(name == module or name.startswith(f"{module}.") for module in MODULES)


def _names_of_datetime(tree: ast.Module) -> set[str]:
    """The names under which the module, its `datetime` or its `date` is known in this file."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.asname or alias.name for alias in node.names if alias.name == "datetime"}
        elif isinstance(node, ast.ImportFrom) and node.module == "datetime":
            names |= {alias.asname or alias.name for alias in node.names if alias.name in {"date", "datetime"}}
    return names


def _root(node: ast.expr) -> str:
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""
