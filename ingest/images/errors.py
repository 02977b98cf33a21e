"""Why a file gives no picture. All are permanent: the same bytes fail again."""


class PictureError(ValueError):
    """The file gives no picture; the message says why, in one line."""


class TruncatedPictureError(PictureError):
    """The file ends before its data do: fetching it again may help."""


class UnreadablePictureError(PictureError):
    """The file is no such format, is damaged, or is of a kind that we do not read."""


class WrongSizeError(PictureError):
    """The array cannot be cut into whole cells of 64 x 64 pixels."""
