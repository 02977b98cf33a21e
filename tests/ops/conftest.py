"""A folder for real services, and nothing of them left afterwards."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ops.postgres import Postgres
from ops.redis import Redis
from ops.state import State


@pytest.fixture(params=["open", "private"])
def state(request: pytest.FixtureRequest) -> Iterator[State]:
    """A state folder that other users can enter, and one below a folder of mode 0700."""
    parent = Path(tempfile.mkdtemp(prefix="isd-ops-"))
    parent.chmod(0o755 if request.param == "open" else 0o700)
    made = State(parent / "var")
    yield made
    for kind in (Redis, Postgres):
        kind(made).remove()
    shutil.rmtree(parent)
