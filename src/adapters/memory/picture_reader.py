"""A reader of pictures in this very process: for tests and small tools."""

from io import BytesIO

from PIL import Image

from domain.documents.document import DocumentUnreadable

_LONGEST_SIDE = 512


class InProcessPictureReader:
    """A `PictureReader` of PNG, JPEG and WebP."""

    async def small(self, content: bytes) -> bytes:
        out = BytesIO()
        try:
            with Image.open(BytesIO(content), formats=("PNG", "JPEG", "WEBP")) as opened:
                picture = opened.convert("RGB")
        except (OSError, ValueError, SyntaxError) as error:
            raise DocumentUnreadable("the file is no picture", field="content") from error
        picture.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE))
        picture.save(out, "JPEG")
        return out.getvalue()
