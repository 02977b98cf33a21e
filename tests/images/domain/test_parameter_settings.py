"""Named settings: what they promise, and what they refuse."""

from dataclasses import FrozenInstanceError, replace

import pytest

from images.domain.settings import NAMED, PARAMETERS, SettingsError, named
from images.domain.slots import WAVES, UnknownWaveError


def test_parameters_are_ten_in_the_order_of_the_api():
    assert len(PARAMETERS) == 10
    assert (PARAMETERS[0], PARAMETERS[3], PARAMETERS[8], PARAMETERS[9]) == (
        "entropy",
        "fractal_dimension",
        "tamura_contrast",
        "tamura_directionality",
    )


@pytest.mark.parametrize("wave", WAVES)
def test_reference_1_is_what_its_authors_suggest(wave):
    settings = named("reference-1", wave)
    assert (settings.canny_low, settings.canny_high, settings.canny_sigma, settings.canny_width) == (
        2.5,
        7.5,
        2.0,
        16,
    )
    assert (settings.bins, settings.lowest, settings.highest) == (256, 0, 255)
    assert (settings.gradient, settings.direction_bins, settings.peak_percentile) == ("prewitt", 125, 25)
    assert settings.canny_border == "reference"


@pytest.mark.parametrize("label", NAMED)
@pytest.mark.parametrize("wave", WAVES)
def test_named_settings_know_their_names_and_waves(label, wave):
    assert (named(label, wave).label, named(label, wave).wave) == (label, wave)


def test_jp2_1_differs_from_the_reference_in_thresholds_alone():
    for wave in WAVES:
        ours, theirs = named("jp2-1", wave), named("reference-1", wave)
        assert ours.canny_low < theirs.canny_low
        assert ours.canny_high == 3 * ours.canny_low
        assert replace(ours, name="reference", canny_low=2.5, canny_high=7.5) == theirs


#: Thresholds for edges of every set and wavelength. A set that was used never changes: add a version instead.
PINNED = {
    "reference-1": dict.fromkeys(WAVES, (2.5, 7.5)),
    "jp2-1": dict.fromkeys(WAVES, (0.5, 1.5)) | {193: (0.25, 0.75), 304: (1.0, 3.0)},
}


def test_the_thresholds_of_named_settings_stay():
    found = {
        label: {wave: (s.canny_low, s.canny_high) for wave, s in of.items()} for label, of in NAMED.items()
    }
    assert {label: found[label] for label in PINNED} == PINNED


def test_unknown_names():
    with pytest.raises(SettingsError, match="reference-1, jp2-1"):
        named("reference-2", 171)
    with pytest.raises(UnknownWaveError):
        named("reference-1", 4500)


def test_settings_do_not_change():
    with pytest.raises(FrozenInstanceError):
        named("reference-1", 171).bins = 12


@pytest.mark.parametrize(
    ("knobs", "reason"),
    [
        ({"lowest": 255.0}, "range"),
        ({"bins": 0}, "bins"),
        ({"canny_low": 0.001}, "thresholds"),
        ({"canny_low": 8.0}, "thresholds"),
        ({"canny_width": 1}, "kernel"),
        ({"canny_width": 33}, "kernel"),
        ({"canny_sigma": 0.0}, "kernel"),
        ({"canny_border": "wrap"}, "border"),
        ({"gradient": "roberts"}, "gradient"),
        ({"direction_bins": 0}, "directions"),
        ({"peak_width": -1}, "width"),
        ({"peak_percentile": 101.0}, "percentile"),
        ({"canny_high": float("nan")}, "thresholds"),
    ],
)
def test_knobs_that_mean_nothing_are_refused(knobs, reason):
    with pytest.raises(SettingsError, match=reason):
        replace(named("reference-1", 193), **knobs)
