"""Why a file gives no picture, or none that can be measured. The same bytes fail again; others may not."""


class PictureError(ValueError):
    """The file gives no picture, or its header no facts; the message says why, in one line."""


class TruncatedPictureError(PictureError):
    """The file ends before its data do: fetching it again may help."""


class UnreadablePictureError(PictureError):
    """The file is no such format, is damaged, or is of a kind that we do not read."""


class WrongSizeError(PictureError):
    """The array cannot be cut into whole cells of 64 x 64 pixels, or it or the file is too large."""


class UnusableHeaderError(PictureError):
    """The header lacks what is needed, contradicts itself, or says what cannot be."""


class OtherImageError(PictureError):
    """The file holds another image than the one that its source gave it for."""
