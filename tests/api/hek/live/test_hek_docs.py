"""docs/api/hek.md: its programs and commands are run and give what the page shows."""

import contextlib
import io
import re
import shlex
from pathlib import Path

import httpx
import pytest
from sunpy.net.hek import HEKClient

from api.hek import params

pytestmark = pytest.mark.django_db  # so that the database is there; its events are committed

PAGE = Path(__file__).resolve().parents[4] / "docs" / "api" / "hek.md"
HOST = "http://127.0.0.1:8000"


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)


@pytest.fixture
def own_address():
    """A page's program changes where sunpy asks; the next test shall not notice."""
    kept = HEKClient.__init__.__defaults__
    yield
    HEKClient.__init__.__defaults__ = kept


@pytest.mark.parametrize(("program", "output"), list(zip(blocks("python"), blocks("text"), strict=True)))
def test_program(hek, own_address, program, output):
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(program.replace(HOST, hek.address), {})
    assert printed.getvalue() == output


EXAMPLES = [e for block in blocks("console") for e in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]]


@pytest.mark.parametrize("example", EXAMPLES)
def test_command(hek, example):
    """Where the page shows `...`, anything may stand."""
    command, _, output = example.partition("\n")
    program, *arguments = shlex.split(command)
    assert (program, arguments[0]) == ("curl", "-s")
    answer = httpx.get(arguments[-1].replace(HOST, hek.address))
    text = answer.text
    if arguments[1] == "-w":
        text += arguments[2].replace("\\n", "\n").replace("%{http_code}", str(answer.status_code))
    pattern = ".*?".join(re.escape(part) for part in output.rstrip("\n").split("..."))
    assert re.fullmatch(pattern, text.rstrip("\n"), re.DOTALL), text


def test_every_parameter_and_limit_is_documented():
    text = PAGE.read_text()
    tables = (params._COMMAND, params._ONE_EVENT, params._SEARCH, params._COLUMN, params._CONTAINS)
    names = {parameter.name for table in tables for parameter in table}
    names |= {"x1", "x2", "y1", "y2", "paramN", "sparamN", "opN", "valueN", *params.COMMANDS}
    assert not {name for name in names if f"`{name}`" not in text and f"`{name}=" not in text}
    limit = f"| `result_limit` | rows of a page, at most {params.MAX_LIMIT}: more gives {params.MAX_LIMIT} "
    assert f"{limit}| {params.DEFAULT_LIMIT} |" in text
