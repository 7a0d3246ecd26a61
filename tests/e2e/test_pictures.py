"""A slide of nothing but a photograph is found by words, and by the photograph."""

import asyncio
from base64 import b64encode
from io import BytesIO
from pathlib import Path

import grpc
import httpx
import pptx
import pytest
from PIL import Image
from pptx.util import Inches

from fixtures.entering import ingested
from fixtures.obelisk_process import COMMAND, ObeliskProcess, environment
from fixtures.photos import CAT, COFFEE, ROCKET, encoded, retouched
from obelisk.client import ObeliskClient
from obelisk.v1 import document_pb2, search_pb2

NAME = "summer-campaign.pptx"


def deck() -> bytes:
    """Five slides: words, then a photograph on its own, then words beside another one."""
    made = pptx.Presentation()
    titles = ("Summer campaign", None, "Budget", "Breakfast offer", "Thank you")
    for number, title in enumerate(titles, start=1):
        slide = made.slides.add_slide(made.slide_layouts[5 if title else 6])
        if title:
            slide.shapes.title.text = title
        if number == 2:
            slide.shapes.add_picture(BytesIO(ROCKET), Inches(1), Inches(1), Inches(8))
        if number == 4:
            slide.shapes.add_picture(BytesIO(COFFEE), Inches(1), Inches(2), Inches(5))
    out = BytesIO()
    made.save(out)
    return out.getvalue()


@pytest.fixture(scope="module")
async def shown(stocked: ObeliskClient) -> ObeliskClient:
    """A space with texts, and with a deck that holds two photographs; no test changes it."""
    await ingested(stocked, NAME, deck())
    return stocked


async def search(client: ObeliskClient, **fields: object) -> list[search_pb2.SearchResult]:
    request = search_pb2.SearchRequest(**fields)  # type: ignore[arg-type]  # by their names
    answer = await client.search.Search(request, metadata=client.metadata)
    assert list(answer.degraded_ways) == []
    return list(answer.results)


def seen(results: list[search_pb2.SearchResult]) -> list[tuple[str, int, int]]:
    """File, slide and rank of what was found by its pictures, best first."""
    return [
        (result.filename, result.page, hit.rank)
        for result in results
        for hit in result.hits
        if hit.way == "pictures"
    ]


async def test_words_find_the_slide_that_is_nothing_but_a_picture(shown: ObeliskClient) -> None:
    results = await search(shown, query="the photo of a rocket launch", limit=3)
    assert seen(results) == [(NAME, 2, 1)]
    (slide,) = [result for result in results if result.page == 2]
    assert slide.text == "Picture on slide 2 of Summer campaign"
    assert list(slide.section_path) == ["Slide 2"]
    assert seen(await search(shown, query="a cup of coffee")) == [(NAME, 4, 1)]


async def test_words_that_no_picture_shows_find_texts_alone(shown: ObeliskClient) -> None:
    results = await search(shown, query="warranty of refurbished machines")
    assert results
    assert seen(results) == []


async def test_a_picture_finds_itself_after_others_have_worked_on_it(
    shown: ObeliskClient,
) -> None:
    for photo, slide in ((ROCKET, 2), (COFFEE, 4)):
        (found,) = await search(shown, image=retouched(photo))
        assert seen([found]) == [(NAME, slide, 1)]
    with Image.open(BytesIO(ROCKET)) as opened:
        webp = encoded(opened.resize((700, 468)), "WEBP")
    assert seen(await search(shown, image=webp)) == [(NAME, 2, 1)]
    assert await search(shown, image=CAT) == []


async def test_words_and_a_picture_search_together(shown: ObeliskClient) -> None:
    results = await search(shown, query="warranty of refurbished machines", image=ROCKET)
    assert seen(results) == [(NAME, 2, 1)]
    assert {hit.way for result in results for hit in result.hits} >= {"words", "meaning"}


async def test_another_space_finds_none_of_them(
    shown: ObeliskClient, client: ObeliskClient
) -> None:
    assert seen(await search(shown, image=ROCKET)) == [(NAME, 2, 1)]
    assert await search(client, query="the photo of a rocket launch") == []
    assert await search(client, image=ROCKET) == []


@pytest.mark.parametrize(
    ("image", "told"),
    [
        (b"no picture", "the file is no PNG or JPEG or WEBP picture, or is damaged"),
        (ROCKET[:4000], "the picture is damaged or was cut off"),
        (bytes(2 * 1024 * 1024 + 1), "an image has at most 2 MiB"),
    ],
)
async def test_what_is_no_picture_is_refused_and_says_why(
    client: ObeliskClient, image: bytes, told: str
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await search(client, image=image)
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert told in str(refused.value.details())


async def test_a_picture_is_sought_over_http(server: ObeliskProcess, shown: ObeliskClient) -> None:
    headers = dict(shown.metadata)
    async with httpx.AsyncClient(base_url=server.rest, headers=headers, timeout=60) as web:
        body = {"image": b64encode(retouched(ROCKET)).decode("ascii")}
        answer = await web.post("/v1/search", json=body)
        assert answer.status_code == 200, answer.text
        (result,) = answer.json()["results"]
        assert (result["filename"], result["page"]) == (NAME, 2)
        assert result["hits"] == [{"stream": "semantic", "way": "pictures", "rank": 1}]


async def told_by_cli(server: ObeliskProcess, client: ObeliskClient, *words: str) -> str:
    """What `obelisk search` prints."""
    process = await asyncio.create_subprocess_exec(
        *COMMAND,
        "search",
        *words,
        f"--server={server.grpc}",
        f"--space={client.space_id}",
        env=environment(server.data_dir, COLUMNS="200"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return output.decode()


async def test_the_command_line_looks_for_a_picture(
    server: ObeliskProcess, shown: ObeliskClient, tmp_path: Path
) -> None:
    photo = tmp_path / "launch.jpg"
    photo.write_bytes(retouched(ROCKET))
    told = await told_by_cli(server, shown, "--image", str(photo))
    assert f"1. {NAME}  p. 2" in told
    assert "pictures (semantic, rank 1)" in told
    missing = await told_by_cli(server, shown, "--image", str(tmp_path / "none.jpg"))
    assert "cannot be read: No such file or directory" in missing.replace("\n", " ")


async def test_deleting_the_document_deletes_its_pictures(client: ObeliskClient) -> None:
    await ingested(client, NAME, deck())
    (found,) = await search(client, image=ROCKET)
    await client.documents.DeleteDocument(
        document_pb2.DeleteDocumentRequest(document_id=found.document_id), metadata=client.metadata
    )
    assert await search(client, image=ROCKET) == []
