"""What a server in Java needs: a JDK of the right age, and its jars, fetched once by Maven."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from schemas.base import ConfigError

FETCH_TIMEOUT = 600
"""Seconds that the download of the jars may take."""
HOW = "Debian and Ubuntu: apt install {deb}; Fedora: dnf install {rpm}; macOS: brew install {brew}"
_VERSION = re.compile(r'version "(?:1\.)?(\d+)')


def java(least: int) -> Path:
    """The `java` of JAVA_HOME, else of the PATH. Raises ConfigError where there is none, or one older than `least`."""
    home = os.environ.get("JAVA_HOME")
    found = str(Path(home) / "bin" / "java") if home else shutil.which("java")
    how = HOW.format(deb="openjdk-17-jdk-headless", rpm="java-17-openjdk-headless", brew="openjdk@17")
    if found is None or not Path(found).is_file():
        where = f"in JAVA_HOME={home}" if home else "in the PATH, and JAVA_HOME is not set"
        raise ConfigError(f"Java {least} or later is needed, and there is none {where}; {how}")
    said = subprocess.run([found, "-version"], capture_output=True, text=True, check=False).stderr
    version = _VERSION.search(said)
    if version is None or int(version[1]) < least:
        raise ConfigError(
            f"Java {least} or later is needed, and {found} is {version[1] if version else repr(said)}; {how}"
        )
    return Path(found)


def cache_folder() -> Path:
    """Where jars are kept: TOCSIN_CACHE, else tocsin/ in the user's cache."""
    named = os.environ.get("TOCSIN_CACHE")
    return Path(named) if named else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tocsin"


def fetched(pom: Path, name: str) -> Path:
    """The folder with all jars that `pom` names, fetched by Maven the first time.

    Raises ConfigError where Maven is missing or fails. Several processes may ask at the same time.
    """
    digest = hashlib.blake2b(pom.read_bytes(), digest_size=6).hexdigest()
    folder = cache_folder() / f"{name}-{digest}"
    if folder.is_dir():
        return folder
    maven = shutil.which("mvn")
    if maven is None:
        how = HOW.format(deb="maven", rpm="maven", brew="maven")
        raise ConfigError(f"Maven is needed to fetch {name}, and there is no mvn in the PATH; {how}")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{name}-") as part:
        libs = Path(part) / "libs"
        _copy_dependencies(maven, pom, libs)
        try:
            libs.rename(folder)
        except OSError:
            if not folder.is_dir():  # else another process was quicker
                raise
    return folder


def _copy_dependencies(maven: str, pom: Path, libs: Path) -> None:
    command = [maven, "--batch-mode", "--quiet", "--file", str(pom), "dependency:copy-dependencies"]
    try:
        ended = subprocess.run(
            [*command, f"-DoutputDirectory={libs}"], capture_output=True, text=True, check=False, timeout=FETCH_TIMEOUT
        )
    except subprocess.TimeoutExpired:
        raise ConfigError(f"Maven did not fetch what {pom} names within {FETCH_TIMEOUT} s") from None
    if ended.returncode:
        errors = [line for line in ended.stdout.splitlines() if "[ERROR]" in line] or [ended.stdout + ended.stderr]
        raise ConfigError(f"Maven could not fetch what {pom} names:\n" + "\n".join(errors[:5]))
