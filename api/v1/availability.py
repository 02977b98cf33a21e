"""What there is of each wavelength: the first and last image, and day by day the gaps."""

from typing import Any

from django.http.response import HttpResponseBase
from rest_framework.request import Request

from api.caching import revalidated
from api.v1 import images_params as params
from api.v1 import images_schema as schema
from api.v1.answers import V1View, json_response
from images import queries
from images.domain.slots import WAVES


class AvailabilityView(V1View):
    """How complete the images are."""

    table = params.AVAILABILITY

    @schema.availability
    def get(self, request: Request) -> HttpResponseBase:
        """Each wavelength as a whole and, between `start` and `end`, each of its days with its gaps."""
        values = self.values(request)
        waves = values["wave"] or WAVES
        days = params.days_of(values)
        body: dict[str, Any] = {"waves": [], "days": []}
        for found in queries.coverage():
            if found.wave in waves:
                body["waves"].append(
                    {"wave": found.wave, "images": found.images, "first": found.first, "last": found.last}
                )
        if days is not None:
            first, last = (day.date() for day in days)
            body["days"] = [
                _day(entry) for wave in waves for entry in queries.availability(wave, first, last)
            ]
        return revalidated(request, json_response(body))


def _day(entry: queries.DayAvailability) -> dict[str, Any]:
    return {
        "wave": entry.wave,
        "day": entry.day,
        "filled": entry.filled,
        "missing": queries.SLOTS_A_DAY - entry.filled,
        "gaps": [{"start": start, "end": end} for start, end in entry.gaps],
    }
