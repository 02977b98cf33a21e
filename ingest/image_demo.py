"""The images of the demo: a few slots of the simulated Sun at nine wavelengths, measured by the workers."""

from collections.abc import Callable
from datetime import UTC, datetime

from events.domain.criteria import TimeWindow
from images.domain.slots import CADENCE, WAVES, slots_between
from images.models import ImageHeader
from ingest import image_tasks
from ingest.models import ImageRun

SOURCE = "simulator"
#: In the demo's month of events; the examples in our documentation ask for the first.
TIMES = (datetime(2014, 1, 10, 6, tzinfo=UTC), datetime(2014, 1, 10, 6, 6, tzinfo=UTC))


def load_demo_images(say: Callable[[str], object]) -> list[ImageRun]:
    """Order the images of the demo that are not there yet; the runs, of which there may be none.

    They are sent to the workers; `ingest.management.image_reporting.follow_images` waits for them. To be run
    again after a stop: what is there is not ordered again.
    """
    lacking = [
        run
        for time in TIMES
        for wave in WAVES
        if not _is_there(wave, time)
        for run in image_tasks.runs_over(SOURCE, TimeWindow(time, time + CADENCE), (wave,), CADENCE)
    ]
    if lacking:
        say(f"the demo: {len(lacking)} images of the simulated Sun, through the workers")
        image_tasks.send(image_tasks.order(lacking))
    return lacking


def _is_there(wave: int, time: datetime) -> bool:
    slots = slots_between(time, time + CADENCE)
    return ImageHeader.objects.filter(wave=wave, slot__in=slots).exists()
