"""The rotation law against published numbers and its own symmetries."""

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from events.domain.rotation import neighbourhood, rotated, synodic_rate


@pytest.mark.parametrize(
    ("latitude", "rate"),
    [(13.75, 13.285), (5.57, 13.426), (7.79, 13.399), (-0.79, 13.454)],  # measured on GSU's output
)
def test_rate_is_that_of_published_trajectories(latitude, rate):
    assert synodic_rate(latitude) == pytest.approx(rate, abs=1e-3)


def test_the_equator_comes_round_in_the_carrington_period_and_the_poles_later():
    assert 360 / synodic_rate(0) == pytest.approx(26.76, abs=0.01)
    assert 360 / synodic_rate(16) == pytest.approx(27.2753, abs=0.25)  # Carrington's is that of 16 deg
    assert synodic_rate(90) == pytest.approx(14.44 - 3 - 0.9856)


def test_every_vertex_moves_at_the_rate_of_its_latitude():
    box = shapely.box(10, 0, 20, 60)
    longitudes, latitudes = np.array(rotated(box, -0.5).exterior.coords).T
    before = np.array(box.exterior.coords)
    assert latitudes == pytest.approx(before[:, 1])
    moved = before[:, 0] - longitudes
    assert moved[latitudes == 0] == pytest.approx(0.5 * 13.4544)
    assert moved[latitudes == 60] == pytest.approx(0.5 * (13.4544 - 3 * 0.75))


@given(st.floats(-80, 70), st.floats(-80, 70), st.floats(-20, 20))
def test_forth_and_back_is_nothing(longitude, latitude, days):
    box = shapely.box(longitude, latitude, longitude + 10, latitude + 10)
    again = rotated(rotated(box, days), -days)
    assert np.array(again.exterior.coords) == pytest.approx(np.array(box.exterior.coords), abs=1e-9)


def test_neighbourhood_reaches_as_far_as_asked():
    area = neighbourhood(shapely.box(0, -5, 10, 5), days=0, distance=3)
    assert area.bounds == pytest.approx((-3, -8, 13, 8))
    assert neighbourhood(shapely.box(0, -5, 10, 5), days=0, distance=0).equals(shapely.box(0, -5, 10, 5))


def test_a_whole_rotation_leads_back_to_the_same_longitudes():
    box = shapely.box(0, -1, 10, 1)
    period = 360 / synodic_rate(0)
    assert neighbourhood(box, -period, 0).intersection(box).area == pytest.approx(box.area, rel=0.01)


def test_what_crosses_the_seam_is_met_on_both_sides():
    area = neighbourhood(shapely.box(170, -5, 179, 5), days=0, distance=5)
    assert area.intersects(shapely.box(-178, -2, -177, 2))
    assert not area.intersects(shapely.box(-170, -2, -160, 2))
    assert area.is_valid
