from collections.abc import Sequence
from typing import Protocol

from domain.retrieval.pictures import PictureQuery, VisualModel
from domain.retrieval.vector import Vector


class VisualEmbedder(Protocol):
    """Turns pictures into vectors of a space that texts can search.

    Pictures are those that a `DocumentConverter` gives: small JPEG files of its own making.
    Safe to call from many tasks at once; never blocks the loop.
    """

    @property
    def model(self) -> VisualModel:
        """The model whose space the vectors live in."""
        ...

    async def embed_pictures(self, pictures: Sequence[bytes]) -> list[Vector]:
        """Embed pictures of a document, one vector of unit length each, in order.

        Raises:
            InvalidInput: one is no picture (reason PICTURE_UNREADABLE).
            Unavailable: the model does not answer (reason VISUAL_EMBEDDER_UNAVAILABLE).
        """
        ...

    async def embed_query(self, text: str) -> PictureQuery:
        """What to look for among pictures when somebody asks `text`.

        Raises:
            Unavailable: the model does not answer (reason VISUAL_EMBEDDER_UNAVAILABLE).
        """
        ...

    async def embed_picture_query(self, picture: bytes) -> PictureQuery:
        """What to look for among pictures when somebody shows `picture`.

        Raises:
            InvalidInput: it is no picture (reason PICTURE_UNREADABLE).
            Unavailable: the model does not answer (reason VISUAL_EMBEDDER_UNAVAILABLE).
        """
        ...
