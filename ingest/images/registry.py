"""The sources of images by name."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from types import MappingProxyType

from ingest.images.base import ImageSource
from ingest.images.files import FileSource
from ingest.images.helioviewer import HelioviewerSource
from ingest.images.simulator import SimulatedImages
from ingest.sources.base import SourceError

IMAGE_SOURCES: MappingProxyType[str, Callable[[], AbstractContextManager[ImageSource]]] = MappingProxyType(
    {
        "files": lambda: nullcontext(FileSource()),
        "helioviewer": HelioviewerSource.configured,
        "simulator": lambda: nullcontext(SimulatedImages()),
    }
)


def image_source(name: str) -> AbstractContextManager[ImageSource]:
    """The source of this name for the length of a block, as the settings have it.

    Raises SourceError (permanent) for an unknown one.
    """
    if name not in IMAGE_SOURCES:
        raise SourceError(
            f"no source of images is named {name!r}; there are {', '.join(IMAGE_SOURCES)}", permanent=True
        )
    return IMAGE_SOURCES[name]()
