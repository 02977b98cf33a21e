"""Colours of channels and ramps."""

import sys
from types import ModuleType

import astropy.units as u
import numpy as np
import pytest

from images.domain import heatmap
from images.domain.colour import RAMPS, aia_table
from images.domain.slots import WAVES


@pytest.fixture
def sunpys_tables(monkeypatch):
    """What sunpy makes of the same tables; of matplotlib, which it draws with, it needs nothing for them."""
    for name in ("matplotlib", "matplotlib.colors"):
        if name not in sys.modules:
            monkeypatch.setitem(sys.modules, name, ModuleType(name))
    monkeypatch.delitem(sys.modules, "sunpy.visualization.colormaps.color_tables", raising=False)
    monkeypatch.setitem(sys.modules, "sunpy.visualization.colormaps", _package())
    from sunpy.visualization.colormaps.color_tables import create_aia_wave_dict  # noqa: PLC0415 - needs the above

    yield create_aia_wave_dict()
    monkeypatch.delitem(sys.modules, "sunpy.visualization.colormaps.color_tables", raising=False)


def _package():
    """The package without what stands in its __init__, which asks matplotlib for more."""
    from pathlib import Path  # noqa: PLC0415 - beside what it is for

    import sunpy  # noqa: PLC0415 - the same

    package = ModuleType("sunpy.visualization.colormaps")
    package.__path__ = [str(Path(sunpy.__file__).parent / "visualization" / "colormaps")]
    return package


@pytest.mark.parametrize("wave", WAVES)
def test_the_tables_of_aia_are_sunpy_s(sunpys_tables, wave):
    red, green, blue = sunpys_tables[wave * u.angstrom]
    expected = np.stack([red, green, blue], axis=-1)
    assert np.abs(aia_table(wave).astype(float) - expected).max() <= 1


@pytest.mark.parametrize("ramp", RAMPS)
def test_ramps_rise_from_black_to_light(ramp):
    colours = RAMPS[ramp].astype(float)
    assert colours.shape == (heatmap.TOP + 1, 3)
    brightness = colours @ [0.30, 0.59, 0.11]
    assert (colours[0] == 0).all()
    assert (colours[-1] >= 240).all()
    assert np.diff(brightness).min() > -1


def test_heat_is_the_measured_ramp():
    assert RAMPS["heat"] is heatmap.RAMP
