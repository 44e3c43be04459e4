"""Where the data of deploy/ are: beside the packages in a checkout, inside this one in an installation."""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).resolve().parent


def deployed(*parts: str) -> Path:
    """The path of a file or folder of deploy/."""
    installed = _HERE / "deploy"
    folder = installed if installed.is_dir() else _HERE.parent / "deploy"
    return folder.joinpath(*parts)
