"""Tracks to ask about."""

from tests.track_scenes import scene  # noqa: F401 - a fixture
