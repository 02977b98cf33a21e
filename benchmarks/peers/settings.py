"""Our settings with the peer's URLs."""

from isd.settings import *  # noqa: F403

ROOT_URLCONF = "benchmarks.peers.views"
