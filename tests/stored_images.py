"""What can be seen of stored images, and orders to store some."""

from images import files
from images.models import ImageHeader
from images.store import ParameterStore, parameter_store
from ingest.image_tasks import order, runs_of_files
from ingest.models import ImageRun

#: What a row has of the moment at which it was written.
_OF_ITS_OWN = ("id", "measured_at")


def everything() -> list[tuple]:
    """All that can be seen of images: rows, frames, pictures."""
    seen = []
    for row in ImageHeader.objects.order_by("wave", "slot"):
        frame = ParameterStore(parameter_store().address).frame(row.wave, row.slot)
        pictures = [files.picture_folder().read(row.wave, row.slot, size) for size in files.SIZES]
        values = {f.attname: getattr(row, f.attname) for f in row._meta.concrete_fields}
        for name in _OF_ITS_OWN:
            del values[name]
        seen.append((values, frame.tobytes(), pictures))
    return seen


def order_files(*paths: object) -> ImageRun:
    """One run over these files, in the books."""
    (run,) = order(runs_of_files(list(map(str, paths))))
    return run
