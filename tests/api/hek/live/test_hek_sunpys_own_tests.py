"""sunpy's own remote tests of its HEK client, as installed, against our server.

Left out are those that count LMSAL's events of a given day, and those that also ask the VSO.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.django_db  # so that the database is there; its events are committed

OF_ANY_EVENTS = (
    *("test_hek_client", "test_hek_empty_search_result", "test_get_voevent", "test_hek_time_col"),
    *("test_vso_time", "test_vso_instrument", "test_HEKRow_get", "test_astropy_unit_parsing"),
    *("test_chaincode_parsing", "test_event_types", "test_raw_hek_result_preserved"),
)
TYPES = 26


def test_sunpys_own_tests(hek, tmp_path):
    command = [sys.executable, "-m", "pytest", "-q", "-p", "sunpy_asks_us", "-p", "no:django"]
    command += [
        "-p",
        "no:cacheprovider",
        "-W",
        "ignore",
        "-c",
        os.devnull,
        "--rootdir",
        str(tmp_path),
        "--pyargs",
    ]
    command += [f"sunpy.net.hek.tests.test_hek::{name}" for name in OF_ANY_EVENTS]
    environment = {
        "PATH": os.environ["PATH"], "HOME": str(tmp_path), "SUNPY_ASKS": hek.url,
        "PYTHONPATH": str(Path(__file__).parent),
    }  # fmt: skip
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-1000:]
    assert re.search(rf"^{len(OF_ANY_EVENTS) - 1 + TYPES} passed", done.stdout, re.MULTILINE), done.stdout[
        -500:
    ]
