"""The sources of images by name."""

from collections.abc import Callable
from types import MappingProxyType

from ingest.images.base import ImageSource
from ingest.images.files import FileSource
from ingest.images.helioviewer import HelioviewerSource
from ingest.images.simulation import SimulatedImages
from ingest.sources.base import SourceError

IMAGE_SOURCES: MappingProxyType[str, Callable[[], ImageSource]] = MappingProxyType(
    {
        "files": FileSource,
        "helioviewer": HelioviewerSource.configured,
        "simulation": SimulatedImages,
    }
)


def image_source(name: str) -> ImageSource:
    """The source of this name, as the settings have it. Raises SourceError (permanent) for an unknown one."""
    if name not in IMAGE_SOURCES:
        raise SourceError(
            f"no source of images is named {name!r}; there are {', '.join(IMAGE_SOURCES)}", permanent=True
        )
    return IMAGE_SOURCES[name]()
