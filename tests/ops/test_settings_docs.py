"""docs/operations.md lists every setting that the code reads, with its default, and no other."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from ops.state import CHECKOUT

NAME = re.compile(r"[A-Z][A-Z0-9_]+")
REQUIRED, EMPTY = "required", "(empty)"
READERS = ("read", "env", "os.environ.get", "os.getenv")


def calls(path: Path) -> Iterator[tuple[str, ast.expr | None]]:
    """Each setting read in a file: its name and the expression of its default, if any."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Subscript) and ast.unparse(node.value) == "os.environ":
            if isinstance(node.slice, ast.Constant):
                yield node.slice.value, None
        elif isinstance(node, ast.Call):
            reader = ast.unparse(node.func)
            if reader not in READERS and not reader.startswith("env."):
                continue
            for position, argument in enumerate(node.args):
                if isinstance(argument, ast.Constant) and NAME.fullmatch(str(argument.value)):
                    yield argument.value, next(iter(node.args[position + 1 :]), None)
                    break


def shown(default: ast.expr | None) -> str:
    """A default as a person writes it."""
    if default is None:
        return REQUIRED
    value = eval(ast.unparse(default))
    if isinstance(value, list):
        return ",".join(value) or EMPTY
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value) or EMPTY


def in_code(*patterns: str) -> dict[str, str]:
    paths = [path for pattern in patterns for path in CHECKOUT.glob(pattern)]
    return {name: shown(default) for path in paths for name, default in calls(path)}


def documented() -> dict[str, str]:
    """The table of the section Settings."""
    text = (CHECKOUT / "docs" / "operations.md").read_text()
    section = text.split("\n## Settings\n")[1].split("\n## ")[0]
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in section.splitlines()
        if line[:1] == "|"
    ]
    assert rows[0] == ["name", "default", "meaning"]
    assert all(len(row) == 3 and row[2] for row in rows)
    names = [row[0] for row in rows[2:]]
    assert len(names) == len(set(names)), "a setting is listed twice"
    return {row[0]: row[1] for row in rows[2:]}


def test_every_setting_is_documented_and_every_documented_one_exists() -> None:
    code = in_code("isd/*.py", "ops/*.py").keys()
    assert len(code) > 10
    assert set(documented()) == set(code)


def test_documented_defaults_are_those_of_the_settings() -> None:
    table = documented()
    for name, default in in_code("isd/settings.py").items():
        assert table[name] == default, name


def test_no_room_reads_the_environment_past_the_settings() -> None:
    for room in ("explorer", "api", "ingest", "images", "events"):
        assert in_code(f"{room}/**/*.py") == {}, f"{room}: read it in isd/settings.py"
