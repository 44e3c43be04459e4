"""Finds a JDK that is new enough, wherever systems put them, and compiles with it."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from agents.local.java import HOW, cache_folder
from schemas.base import ConfigError

PLACES = (
    "/usr/lib/jvm/*",
    "/usr/java/*",
    "/opt/java/*",
    "/opt/jdk*",
    "/Library/Java/JavaVirtualMachines/*/Contents/Home",
    "/opt/homebrew/opt/openjdk*/libexec/openjdk.jdk/Contents/Home",
    "~/.sdkman/candidates/java/*",
    "~/.jdks/*",
)
"""Where JDKs are looked for after JAVA_HOME and the PATH, as patterns of folders."""
_VERSION = re.compile(r"javac (?:1\.)?(\d+)")


def jdk(least: int, places: tuple[str, ...] = PLACES) -> Path:
    """The folder of a JDK of version `least` or later: by JAVA_HOME, by the PATH, else the first in the usual places.

    Raises ConfigError where there is none, naming those that are too old.
    """
    seen: dict[Path, int | None] = {}
    for home in _homes(places):
        if home not in seen:
            seen[home] = version_of(home)
            found = seen[home]
            if found is not None and found >= least:
                return home
    old = "; ".join(f"{home} is {version}" for home, version in seen.items() if version is not None)
    how = HOW.format(deb=f"openjdk-{least}-jdk-headless", rpm=f"java-{least}-openjdk-devel", brew=f"openjdk@{least}")
    raise ConfigError(f"a JDK {least} or later is needed, and there is none ({old or 'no JDK at all'}); {how}")


def _homes(places: tuple[str, ...]) -> Iterator[Path]:
    if named := os.environ.get("JAVA_HOME"):
        yield Path(named).resolve()
    if found := shutil.which("javac"):
        yield Path(found).resolve().parent.parent
    for pattern in places:
        path = Path(pattern).expanduser()
        depth = next(n for n, part in enumerate(path.parts) if "*" in part)
        start = Path(*path.parts[:depth])
        yield from (home.resolve() for home in sorted(start.glob(str(Path(*path.parts[depth:])))))


def version_of(home: Path) -> int | None:
    """The version of a JDK; None where there is none, or only what runs and does not compile."""
    javac = home / "bin" / "javac"
    if not javac.is_file():
        return None
    said = subprocess.run([str(javac), "-version"], capture_output=True, text=True, check=False)
    found = _VERSION.search(said.stdout + said.stderr)
    return int(found[1]) if found else None


def compiled(sources: Path, jars: Path, name: str, home: Path) -> Path:
    """The folder with the classes of all Java files under `sources`, compiled the first time against `jars`.

    Raises ConfigError where the compiler does. Several processes may ask at the same time.
    """
    files = sorted(sources.rglob("*.java"))
    digest = hashlib.blake2b(str(jars).encode() + b"".join(file.read_bytes() for file in files), digest_size=6)
    folder = cache_folder() / f"{name}-classes-{digest.hexdigest()}"
    if folder.is_dir():
        return folder
    with tempfile.TemporaryDirectory(dir=cache_folder(), prefix=f".{name}-") as part:
        classes = Path(part) / "classes"
        # proc:none: a jar among them brings an annotation processor.
        command = [str(home / "bin" / "javac"), "-proc:none", "-nowarn", "-cp", f"{jars}/*", "-d", str(classes)]
        ended = subprocess.run([*command, *map(str, files)], capture_output=True, text=True, check=False)
        if ended.returncode:
            raise ConfigError(f"what is in {sources} does not compile:\n{ended.stderr[:2000]}")
        try:
            classes.rename(folder)
        except OSError:
            if not folder.is_dir():  # else another process was quicker
                raise
    return folder
