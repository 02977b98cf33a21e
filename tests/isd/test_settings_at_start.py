"""A setting that is missing or cannot be read ends the process at start, with one line that names it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
GOOD = {
    "SECRET_KEY": "k" * 50,
    "DATABASE_URL": "postgis://u:p@127.0.0.1:1/x",
    "REDIS_URL": "redis://127.0.0.1:1/0",
}


def start(**settings):
    environment = {key: value for key, value in os.environ.items() if key in ("PATH", "HOME", "LANG")}
    code = "import django; django.setup()"
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**environment, "DJANGO_SETTINGS_MODULE": "isd.settings", **settings},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_required_ones_are_enough():
    ended = start(**GOOD)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_reading_the_settings_loads_no_arrays():
    code = "import sys, isd.settings; sys.exit(bool({'numpy', 'numba'} & sys.modules.keys()))"
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env={**os.environ, **GOOD}, check=False)
    assert ended.returncode == 0


@pytest.mark.parametrize("name", GOOD)
def test_a_missing_one(name):
    ended = start(**{key: value for key, value in GOOD.items() if key != name})
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"isd: setting {name}: ")
    assert ended.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("DEBUG", "perhaps"), ("ISD_HTTPS", "https"), ("DATABASE_URL", "localhost"), ("DATABASE_URL", "")),
        *(("DATABASE_URL", "mysql://u:p@h/x"), ("REDIS_URL", ""), ("REDIS_URL", "localhost:6379")),
        *(("ISD_HEK_TIMEOUT", "soon"), ("ISD_HEK_TIMEOUT", "-1"), ("ISD_HEK_TIMEOUT", "nan")),
        *(("ISD_PARAMETER_STORE", "ftp://x"), ("ISD_IMAGE_FOLDER", "s3://x/y"), ("ISD_IMAGE_SETTINGS", "")),
        *(("ISD_HEK_URL", "ftp://x"), ("ISD_SIMULATOR_URL", "here"), ("ISD_POLL_SOURCES", "hek,moon")),
        *(
            ("ISD_WINDOW_HOURS", "0"),
            ("ISD_LOG_LEVEL", "LOUD"),
            ("ISD_HEK_RETRIES", "1.5"),
            ("SECRET_KEY", ""),
        ),
        *(("ISD_SHAPE_METHOD", ""), ("ISD_SHAPE_METHOD", "FI,CP"), ("ISD_SHAPE_MODE", "")),
        *(("ISD_DMLAB_XML", ""), ("ISD_DMLAB_XML", "flat,nested"), ("ISD_LOG_LEVEL", "")),
        *(("ISD_IMAGE_SETTINGS", "jp2-9"), ("ISD_PARAMETER_STORE", "gs://x"), ("ISD_POLL_WAVES", "172")),
    ],
)
def test_one_that_cannot_be_read(name, value):
    ended = start(**{**GOOD, name: value})
    assert ended.returncode == 1, ended.stderr
    assert ended.stderr.startswith(f"isd: setting {name}: "), ended.stderr
    assert ended.stderr.count("\n") == 1
