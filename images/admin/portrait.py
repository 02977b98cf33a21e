"""What the page of an image shows of it: the picture, and its ten parameters as heat maps."""

import base64
import io

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from PIL import Image

from images.domain import heatmap
from images.domain.settings import PARAMETERS
from images.files import PictureMissingError, picture_folder
from images.models import ImageHeader
from images.store import FrameMissingError, StoreUnavailableError, parameter_store

#: Sides of the picture and of each heat map, pixels.
_PICTURE, _HEATMAP = 512, 128


def picture_of(image: ImageHeader) -> SafeString | str:
    """The image, north up; or in words why it cannot be shown."""
    try:
        jpeg = picture_folder().read(image.wave, image.slot, _PICTURE)
    except (PictureMissingError, OSError) as error:
        return str(error)
    return _shown("jpeg", jpeg, f"AIA {image.wave}", _PICTURE)


def heatmaps_of(image: ImageHeader) -> SafeString | str:
    """Ten heat maps with the name of the parameter and the range that its colours span."""
    try:
        frame = parameter_store().frame(image.wave, image.slot, image.frame_hash)
    except (FrameMissingError, StoreUnavailableError, OSError) as error:
        return str(error)
    figures = []
    for number, name in enumerate(PARAMETERS):
        plane, words = frame[:, :, number], name.replace("_", " ")
        buffer = io.BytesIO()
        Image.fromarray(heatmap.picture(plane, _HEATMAP)).save(buffer, "PNG")
        marks = heatmap.legend(plane, marks=2)
        span = f"{marks[0].value:.4g} .. {marks[-1].value:.4g}" if marks else "no values"
        figures.append((_shown("png", buffer.getvalue(), words, _HEATMAP), words, span))
    return format_html(
        '<div class="isd-figures">{}</div>',
        format_html_join("", "<figure>{}<figcaption>{}<br>{}</figcaption></figure>", figures),
    )


def _shown(form: str, data: bytes, words: str, side: int) -> SafeString:
    """A picture within the page: what is read by one person is not worth an address of its own."""
    text = base64.b64encode(data).decode("ascii")
    return format_html(
        '<img src="data:image/{};base64,{}" alt="{}" width="{}" height="{}">', form, text, words, side, side
    )
