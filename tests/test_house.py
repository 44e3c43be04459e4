"""The rules of the house that no tool checks for us."""

import ast
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.purity import impurities

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("agents", "models", "pipeline", "schemas")
DEPLOYED = ("deploy/elasticsearch", "deploy/kibana", "deploy/local", "deploy/topics")
PURE = ("models", "pipeline", "schemas")
LONGEST_FILE = 500
LONGEST_FUNCTION = 60

# Written in pieces, so that this file does not find itself.
MACHINE_PATHS = re.compile(r"(?<![\w.\-/])/(?:" + "|".join(("work", "root", "Users")) + r")/")
REGISTRIES = re.compile(
    "|".join(
        name.replace("-", r"\.")
        for name in ("pypi-org", "pythonhosted-org", "npmjs-org", "crates-io", "proxy-golang-org", "maven-apache-org")
    )
)
INDEX_OPTIONS = re.compile(r"(?m)^\s*(?:-i|-f|--(?:index-url|extra-index-url|find-links|trusted-host))\b|://| @ ")


def files(*under: str) -> list[str]:
    """The files that are tracked, or would be if they were added."""
    command = ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z", "-co", "--exclude-standard", "--", *under]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return sorted(name for name in set(listed.split("\0")) if name and (ROOT / name).is_file())


def sources(*under: str) -> Iterator[tuple[str, str]]:
    for name in files(*under):
        if name.endswith(".py"):
            yield name, (ROOT / name).read_text(encoding="utf-8")


def texts(*under: str) -> Iterator[tuple[str, str]]:
    for name in files(*under):
        content = (ROOT / name).read_bytes()
        if b"\0" not in content:
            yield name, content.decode("utf-8", errors="replace")


def found(pattern: re.Pattern[str], *under: str) -> list[str]:
    return [
        f"{name}:{text.count(chr(10), 0, match.start()) + 1}: {match.group()}"
        for name, text in texts(*under)
        for match in pattern.finditer(text)
    ]


def test_the_core_asks_no_clock_and_does_no_io() -> None:
    assert [f"{name}:{what}" for name, text in sources(*PURE) for what in impurities(text)] == []


@pytest.mark.parametrize(
    "source",
    [
        "import time",
        "from time import monotonic",
        "import os.path",
        "import urllib.request",
        "from urllib import request",
        "from datetime import datetime\nx = datetime.now()",
        "from datetime import datetime as D\nx = D.utcnow",
        "import datetime as dt\nx = dt.date.today()",
        "open('x')",
        "print('x')",
    ],
)
def test_what_is_not_pure_is_seen(source: str) -> None:
    assert len(impurities(source)) == 1


@pytest.mark.parametrize(
    "source",
    [
        "from datetime import datetime, time\nx = datetime(2024, 1, 1)",
        "from urllib.parse import urlsplit",
        "import datetime\ndef f(watermark): return watermark.now()",
        "def f(valve): valve.open()",
    ],
)
def test_what_is_pure_is_left_alone(source: str) -> None:
    assert impurities(source) == []


def test_files_can_be_read_in_one_sitting() -> None:
    lengths = {name: text.count("\n") for name, text in sources()}
    assert {name: length for name, length in lengths.items() if length > LONGEST_FILE} == {}


def test_functions_fit_on_a_screen() -> None:
    too_long = [
        f"{name}:{node.lineno}: {node.name} has {length} lines"
        for name, text in sources()
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (length := (node.end_lineno or node.lineno) - node.lineno + 1) > LONGEST_FUNCTION
    ]
    assert too_long == []


def test_the_wheel_holds_the_four_packages_and_every_file_in_them(tmp_path: Path) -> None:
    expected = sorted([*files(*PACKAGES), *(f"agents/{name}" for name in files(*DEPLOYED))])
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("tocsin-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if ".dist-info/" not in name]
    assert sorted(names) == expected
    assert {f"{package}/py.typed" for package in PACKAGES} <= set(names)


def test_no_file_names_a_machine() -> None:
    assert found(MACHINE_PATHS) == []


def test_no_file_names_a_package_registry() -> None:
    assert found(REGISTRIES) == []
    assert found(INDEX_OPTIONS, "requirements") == []


def test_each_requirement_is_exact_and_has_its_hashes() -> None:
    for name in ("runtime", "build", "dev"):
        text = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
        entries = re.sub(r"\\\n", " ", re.sub(r"(?m)^\s*#.*\n", "", text)).splitlines()
        assert entries
        assert [entry for entry in entries if not re.match(r"[\w.\-]+==\S+ .*--hash=sha256:", entry)] == []


def test_each_marker_says_what_it_is_for() -> None:
    markers = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["pytest"]["ini_options"]
    declared = dict(line.split(": ", 1) for line in markers["markers"])
    assert {"kafka", "elastic", "browser", "kill", "slow"} <= set(declared)
    assert all(declared.values())


@pytest.mark.parametrize(
    "source",
    [
        "import pytest\ndef test_x():\n    pytest.skip('not today')",
        "import pytest\npytest.skip('not today', allow_module_level=True)",
        "import pytest\n@pytest.mark.skipif(True, reason='not today')\ndef test_x(): pass",
    ],
)
@pytest.mark.parametrize(("ci", "fails"), [("true", True), ("", False)])
def test_a_skipped_test_fails_in_ci_and_only_there(source: str, ci: str, *, fails: bool, tmp_path: Path) -> None:
    (tmp_path / "test_skipped.py").write_text(source, encoding="utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.conftest", "-p", "no:cacheprovider", str(tmp_path)]
    environment = {**os.environ, "CI": ci, "PYTHONPATH": str(ROOT)}
    ended = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert ("no test may be skipped in CI (" in ended.stdout) == fails, ended.stdout
    assert (ended.returncode in {1, 2}) == fails, ended.stdout
