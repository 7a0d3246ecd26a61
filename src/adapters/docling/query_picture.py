"""A picture that is all of a file: unpacked, or refused with the reason."""

from PIL import Image, UnidentifiedImageError

from adapters.docling.picture_formats import MAX_PIXELS, TooManyPixels, opened
from adapters.docling.refusal import Refused
from adapters.docling.shrinking import Shrinker
from domain.documents.media import MediaType
from domain.documents.structure import Picture

UPLOADED = {MediaType.PNG: "PNG", MediaType.JPEG: "JPEG", MediaType.WEBP: "WEBP"}


def shown_picture(content: bytes) -> Picture:
    """What a picture of any format that can be uploaded shows. Raises Refused."""
    image = unpacked(content, *UPLOADED.values())
    shrinker = Shrinker()
    small = shrinker.of_image(image)
    if shrinker.left_out:
        raise Refused(_DAMAGED)
    if not small:
        raise Refused("the picture is too small, too narrow or of one colour; show a larger part")
    return Picture(size=image.size, image=small)


def unpacked(content: bytes, *formats: str) -> Image.Image:
    """The picture in a file of one of the formats. Raises Refused."""
    try:
        image = opened(content, formats)
        image.load()
    except TooManyPixels as error:
        raise Refused(
            f"{error}; at most {MAX_PIXELS // 1_000_000} million can be read: make it smaller"
        ) from error
    except UnidentifiedImageError as error:
        raise Refused(f"the file is no {' or '.join(formats)} picture, or is damaged") from error
    except (OSError, SyntaxError, ValueError) as error:
        raise Refused(_DAMAGED) from error
    return image


_DAMAGED = "the picture is damaged or was cut off; save it again"
