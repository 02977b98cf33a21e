"""The routes that only send on to /dmlabapi/: images and image parameters. What is asked is checked first."""

from typing import Any, ClassVar
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from api.frames import WAVE
from api.isd.envelope import IsdView
from api.params import TEXT, TIME, Parameter, choice, integer, read

_WAVELENGTH = Parameter("wavelength", WAVE, required=True)
_TIME = Parameter("starttime", TIME, required=True)
_RESOLUTION = Parameter("resolution", choice(("2k", "512", "256"), {"2048": "2k"}), required=True)
_PARAM = Parameter("paramid", integer(1, 10), required=True)
_ID = Parameter("id", TEXT, required=True)


class _Redirect(IsdView):
    """302 to an address under /dmlabapi/ made of checked values; a relative one, so that it stays our own."""

    table: ClassVar[tuple[Parameter, ...]]

    @staticmethod
    def address(values: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """The path below /dmlabapi/ and the query."""
        raise NotImplementedError

    def get(self, request: HttpRequest) -> HttpResponse:
        """Send on, or say what is wrong."""
        path, query = self.address(read(request.GET, self.table, strict=False))
        return HttpResponseRedirect(f"/dmlabapi/{path}?{urlencode(query)}")


def _wave_and_time(values: dict[str, Any]) -> dict[str, Any]:
    return {"wave": values["wavelength"], "starttime": f"{values['starttime']:%Y-%m-%dT%H:%M:%S}"}


class ImageView(_Redirect):
    """The AIA image of a wavelength at a time."""

    table = (_RESOLUTION, _WAVELENGTH, _TIME)

    @staticmethod
    def address(values: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """Images are filed by resolution."""
        return f"images/SDO/AIA/{values['resolution']}/", _wave_and_time(values)


class ParameterImageView(_Redirect):
    """The heat map of one image parameter."""

    table = (_RESOLUTION, _WAVELENGTH, _TIME, _PARAM)

    @staticmethod
    def address(values: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """Of the grid of 64 x 64 cells."""
        query = {**_wave_and_time(values), "param": values["paramid"]}
        return f"images/SDO/AIA/param/64/{values['resolution']}/", query


class ParametersView(_Redirect):
    """All parameters of an image."""

    table = (_WAVELENGTH, _TIME)

    @staticmethod
    def address(values: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """Of all cells."""
        return "params/SDO/AIA/64/full/", _wave_and_time(values)


class TrackSeriesView(_Redirect):
    """One image parameter along the track of an event."""

    table = (_ID, _WAVELENGTH, _PARAM)

    @staticmethod
    def address(values: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """A time series; this path has no slash at its end."""
        query = {"wave": values["wavelength"], "id": values["id"], "param": values["paramid"]}
        return "params/SDO/AIA/param/track/ts", query
