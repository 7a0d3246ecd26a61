"""Pictures and texts in one space: a multimodal model of Vertex AI, `gemini-embedding-2` say."""

from array import array
from asyncio import Lock, Semaphore
from collections.abc import Sequence

import grpc
from google.cloud.aiplatform_v1.types import (
    Blob,
    Content,
    EmbedContentRequest,
    EmbedContentResponse,
    Part,
)

from adapters.vertex.asking import Asking
from adapters.vertex.channel import prediction_client
from adapters.vertex.place import VertexPlace
from adapters.vertex.together import together
from domain.retrieval.pictures import (
    PictureQuery,
    PictureUnreadable,
    VisualEmbedderUnavailable,
    VisualModel,
)
from domain.retrieval.vector import Vector, of_unit_length, sized
from domain.token_bound import cut_to

_JPEG = b"\xff\xd8\xff"
_MOST_TOKENS = 8_000
# What any picture answers as well as another.
_NEUTRAL = ("a picture", "a photo", "something", "an image of something")


class VertexVisualEmbedder:
    """One input a request: of several, the service would make one vector.

    Words lie nearer to other words than to any picture, whatever it shows. So what counts is by how
    much a text is nearer to a picture than texts are that ask for nothing: `text_floor` is such a
    difference. `picture_floor` is a plain likeness. `text_prefix` tells the model its task.
    """

    def __init__(
        self,
        channel: grpc.aio.Channel,
        place: VertexPlace,
        model: str,
        *,
        dimensions: int = 3072,
        text_prefix: str = "",
        text_floor: float = 0.05,
        picture_floor: float = 0.75,
        at_once: int = 8,
        seconds: float = 60.0,
    ) -> None:
        self._client = prediction_client(channel)
        self._asking = Asking(
            channel, model=model, unavailable=VisualEmbedderUnavailable, seconds=seconds
        )
        self._resource = place.model(model)
        self._prefix = text_prefix
        self._places = Semaphore(at_once)
        self._neutral: Vector | None = None
        self._learning = Lock()
        self._model = VisualModel(
            name=sized(model, dimensions),
            dimensions=dimensions,
            text_floor=text_floor,
            picture_floor=picture_floor,
        )

    @property
    def model(self) -> VisualModel:
        return self._model

    async def close(self) -> None:
        """Close the connection; running requests fail, later ones are refused."""
        await self._asking.close()

    async def embed_pictures(self, pictures: Sequence[bytes]) -> list[Vector]:
        return await together(self._in_its_place(picture) for picture in pictures)

    async def embed_query(self, text: str) -> PictureQuery:
        asked, neutral = await together((self._text(text), self._nothing()))
        beyond = array("f", (one - other for one, other in zip(asked, neutral, strict=True)))
        return PictureQuery(vector=beyond, floor=self._model.text_floor)

    async def embed_picture_query(self, picture: bytes) -> PictureQuery:
        return PictureQuery(vector=await self._picture(picture), floor=self._model.picture_floor)

    async def _in_its_place(self, picture: bytes) -> Vector:
        async with self._places:
            return await self._picture(picture)

    async def _picture(self, picture: bytes) -> Vector:
        if not picture.startswith(_JPEG):
            raise PictureUnreadable("the picture is no JPEG file", field="image")
        return await self._embedded(Part(inline_data=Blob(mime_type="image/jpeg", data=picture)))

    async def _text(self, text: str) -> Vector:
        whole = cut_to(text.encode("utf-8", "replace").decode(), _MOST_TOKENS)
        return await self._embedded(Part(text=self._prefix + (whole if whole.strip() else ".")))

    async def _nothing(self) -> Vector:
        """The mean of texts that ask for nothing; learned with the first question."""
        async with self._learning:
            if self._neutral is None:
                found = await together(self._text(text) for text in _NEUTRAL)
                self._neutral = array("f", map(sum, zip(*found, strict=True)))
                self._neutral = array("f", (value / len(found) for value in self._neutral))
            return self._neutral

    async def _embedded(self, part: Part) -> Vector:
        request = EmbedContentRequest(
            model=self._resource,
            content=Content(role="user", parts=[part]),
            embed_content_config=EmbedContentRequest.EmbedContentConfig(
                output_dimensionality=self._model.dimensions
            ),
        )
        is_picture = "inline_data" in part
        answer = await self._asking.ask(
            self._client.embed_content, request, wrong=_refusal if is_picture else None
        )
        values = array("f", EmbedContentResponse.pb(answer).embedding.values)
        try:
            return of_unit_length(values, self._model.dimensions)
        except ValueError as error:
            raise VisualEmbedderUnavailable(
                f"the picture model {self._model.name} cannot be used: {error}"
            ) from error


def _refusal(words: str) -> PictureUnreadable:
    return PictureUnreadable(words, field="image")
