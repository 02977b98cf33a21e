"""Tracks to ask about."""

from tests.label_scenes import add  # noqa: F401 - a fixture
from tests.track_scenes import scene  # noqa: F401 - a fixture
