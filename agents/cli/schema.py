"""tocsin schema."""

from __future__ import annotations

from pathlib import Path

import click
from pydantic import BaseModel

from agents.cli.command import command
from agents.cli.output import json_option, print_json
from agents.config import Config
from schemas.base import ConfigError
from schemas.export import PUBLIC, document, render
from schemas.faults import unknown

DOCUMENTS: dict[str, type[BaseModel]] = {**PUBLIC, "configuration": Config}
"""The vocabulary, and the configuration file for editors that check it while one writes."""


@command("tocsin schema incident", "tocsin schema --out docs/schemas", "tocsin schema --check docs/schemas")
@click.argument("name", required=False)
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Write all of them into this folder.")
@click.option(
    "--check", type=click.Path(file_okay=False, exists=True, path_type=Path), help="Compare this folder with the code."
)
@json_option
def schema(name: str | None, out: Path | None, check: Path | None, *, as_json: bool) -> None:
    """Show, write or check the JSON Schema of every record.

    Without NAME, --out or --check, the names are listed.
    """
    if sum(value is not None for value in (name, out, check)) > 1:
        raise click.UsageError("give one of NAME, --out and --check")
    if out is not None:
        _tell(_write(out), f"written to {out}", as_json=as_json)
    elif check is not None:
        _check(check)
        _tell(list(DOCUMENTS), f"in {check} are as the code has them", as_json=as_json)
    elif name is not None:
        if name not in DOCUMENTS:
            raise ConfigError(f"there is no schema {name!r}; {unknown(name, sorted(DOCUMENTS))}")
        click.echo(render(name, DOCUMENTS[name]), nl=False)
    elif as_json:
        print_json({known: document(known, model) for known, model in sorted(DOCUMENTS.items())})
    else:
        for known, model in sorted(DOCUMENTS.items()):
            click.echo(f"{known:20} {(model.__doc__ or '').splitlines()[0]}")


def _write(folder: Path) -> list[str]:
    folder.mkdir(parents=True, exist_ok=True)
    for name, model in DOCUMENTS.items():
        (folder / f"{name}.json").write_text(render(name, model), encoding="utf-8")
    return list(DOCUMENTS)


def _check(folder: Path) -> None:
    """Raise ConfigError that names each file that is missing, of no use any more, or not what the code says."""
    there = {path.stem: path.read_text(encoding="utf-8") for path in folder.glob("*.json")}
    drift = [
        f"{folder / name}.json: {what}"
        for name in sorted({*there, *DOCUMENTS})
        if (what := _difference(there.get(name), DOCUMENTS.get(name), name))
    ]
    if drift:
        raise ConfigError("\n".join([*drift, f"run `tocsin schema --out {folder}`"]))


def _difference(text: str | None, model: type[BaseModel] | None, name: str) -> str:
    if model is None:
        return "there is no such record any more; remove it"
    if text is None:
        return "is missing"
    return "" if text == render(name, model) else "differs from the code"


def _tell(names: list[str], what: str, *, as_json: bool) -> None:
    if as_json:
        print_json(sorted(names))
    else:
        click.echo(f"{len(names)} schemas {what}")
