"""`manage.py measure_images`: the ten parameters of AIA images of any size, into files; nothing is stored.

    manage.py measure_images --path folder/ --output measured/
    manage.py measure_images --path aia_synoptic.fits --output measured/ --knobs jp2-1

JP2 and FITS whose sides are multiples of 64 pixels; what the store takes (4096 x 4096) and what it does not.
Each image becomes a .npz of its name, in the folders below --output that it is in below --path. It holds
`parameters` (rows, columns, 10), their `names`, and `about`: wavelength, time, quality, flags, settings and
software as JSON. Needs no database.
"""

from argparse import ArgumentParser
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from django.conf import settings
from django.core.management.base import CommandError

from images.domain.settings import PARAMETERS, named
from images.domain.slots import WAVES
from ingest import measure
from ingest.images.errors import PictureError
from ingest.images.files import content, files_in
from ingest.management.reporting import IngestCommand, plain_errors


class Command(IngestCommand):
    """Measures one file after the other."""

    help = __doc__
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which files, with which knobs, and where to."""
        parser.add_argument("--path", type=Path, required=True, help="an image, or a folder of them")
        parser.add_argument("--output", type=Path, required=True, metavar="FOLDER")
        parser.add_argument("--knobs", default=settings.ISD_IMAGE_SETTINGS, dest="label", metavar="NAME")

    @plain_errors
    def handle(self, *_: Any, path: Path, output: Path, label: str, **__: Any) -> None:
        """Every image that can be measured is; the command fails at the end if one could not."""
        named(label, WAVES[0])  # a wrong name is no fault of the images
        failed, files = 0, files_in(path)
        root = path.resolve() if path.is_dir() else path.resolve().parent
        for file in map(Path, files):
            try:
                self.stdout.write(_measured(file, output / file.relative_to(root).parent, label))
            except PictureError as error:
                failed += 1
                self.stderr.write(f"{file}: {error}")
            except OSError as error:
                raise CommandError(f"{error.filename or output}: {error.strerror}") from error
        if failed:
            raise CommandError(f"{failed} of {len(files)} images could not be measured")


def _measured(file: Path, output: Path, label: str) -> str:
    """Write the parameters of one image; a line that says what it was."""
    data = content(file)
    picture, facts = measure.decode(data)
    frame = measure.frame_of(picture, facts, measure.content_hash(data), label)
    about = {
        "file": file.name,
        "wave": facts.wave,
        "observed": facts.observed,
        "quality": facts.quality,
        "flags": frame.flags.words,
        "settings": asdict(frame.settings),
        "software": measure.SOFTWARE,
    }
    output.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(
        output / f"{file.name}.npz",
        parameters=frame.parameters,
        names=np.array(PARAMETERS),
        about=np.array(orjson.dumps(about, option=orjson.OPT_UTC_Z).decode()),
    )
    rows, columns, _ = frame.parameters.shape
    what = [f"{facts.wave} at {facts.observed:%FT%TZ}", f"{rows} x {columns} cells", *frame.flags.words]
    return f"{file.name}: {', '.join(what)}"
