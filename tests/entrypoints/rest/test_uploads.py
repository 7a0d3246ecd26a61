"""Files: passed on while they arrive, raw or as a form, and refused with an answer."""

import asyncio
import hashlib
import itertools
from collections.abc import AsyncIterator

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entrypoints.rest.errors import HttpError
from entrypoints.rest.multipart import MultipartReader, boundary_of
from fixtures.rest_lab import Lab

URL = "/lab/files:upload"
FILE = bytes(range(256)) * 4096  # 1 MiB
PART = b"--B\r\nContent-Disposition: form-data; name=%b\r\n\r\n1\r\n"
OCTETS = {"content-type": "application/octet-stream"}


async def stream(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


def assert_arrived(answer: httpx.Response, file: bytes, **metadata: object) -> None:
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["sha256"] == hashlib.sha256(file).hexdigest()
    assert body["size"] == str(len(file))
    assert body["largestPiece"] <= 256 * 1024
    expected = {"filename": "", "color": "COLOR_UNSPECIFIED", "words": []}
    assert body["metadata"] == {**expected, **metadata}


async def test_a_raw_body_is_the_file(web: httpx.AsyncClient) -> None:
    url = f"{URL}?filename=a%20b.md&color=COLOR_RED&words=x&words=y"
    answer = await web.post(url, content=FILE, headers=OCTETS)
    assert_arrived(answer, FILE, filename="a b.md", color="COLOR_RED", words=["x", "y"])
    chunked = await web.post(url, content=stream(FILE, b"", b"tail"), headers=OCTETS)
    assert_arrived(chunked, FILE + b"tail", filename="a b.md", color="COLOR_RED", words=["x", "y"])


async def test_small_pieces_are_joined(web: httpx.AsyncClient) -> None:
    answer = await web.post(URL, content=stream(*[b"ab"] * 300), headers=OCTETS)
    assert_arrived(answer, b"ab" * 300)
    assert answer.json()["pieces"] == 1


async def test_an_empty_file_is_the_servers_to_judge(client: httpx.AsyncClient) -> None:
    assert_arrived(await client.post(f"{URL}?filename=a.md"), b"", filename="a.md")


async def test_a_form_carries_one_file_and_its_fields(web: httpx.AsyncClient) -> None:
    data = {"color": "COLOR_BLUE", "words": ["x", "y"]}
    answer = await web.post(URL, data=data, files={"file": ('größe "1".md', FILE)})
    assert_arrived(answer, FILE, filename=answer.json()["metadata"]["filename"],
                   color="COLOR_BLUE", words=["x", "y"])  # fmt: skip
    assert answer.json()["metadata"]["filename"].startswith("größe ")
    named = await web.post(URL, data={"filename": "b.md"}, files={"file": ("a.md", b"1")})
    assert_arrived(named, b"1", filename="b.md")
    asked = await web.post(f"{URL}?filename=c.md", files={"file": ("a.md", b"1")})
    assert_arrived(asked, b"1", filename="c.md")


@pytest.mark.parametrize(
    ("query", "field"),
    [("?nope=1", "nope"), ("?color=RED", "color"), ("?filename=a&filename=b", "filename")],
)
async def test_metadata_that_is_wrong_names_its_field(
    web: httpx.AsyncClient, query: str, field: str
) -> None:
    answer = await web.post(URL + query, content=FILE, headers=OCTETS)
    assert answer.status_code == 400
    violations = answer.json()["error"]["details"][1]["fieldViolations"]
    assert violations[0]["field"].endswith(field)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "ends before"),
        (b"--B\r\nContent-Disposition: form-data; name=a; filename=f\r\n\r\nabc", "ends before"),
        (b"--B\r\nContent-Disposition: form-data; name=a\r\n\r\nabc\r\n--B--\r\n", "no file part"),
        (b"--B--\r\n", "no file part"),
        (b"--B\r\nContent-Type: text/plain\r\n\r\nabc\r\n--B--\r\n", "Content-Disposition"),
        (b"--B\r\n\r\nabc\r\n--B--\r\n", "Content-Disposition"),
        (b"--Bx\r\n\r\nabc\r\n--B--\r\n", "other text"),
        (b"--B\r\nX: " + b"a" * 9000, "longer than 8192"),
        (b"--B\r\nContent-Disposition: form-data; name=\xff\r\n\r\n", "UTF-8"),
        (b"--B\r\nContent-Disposition: form-data; name=color\r\n\r\n" + b"a" * 70000, "65536"),
        (PART % b"f; filename=a" + PART % b"g; filename=b" + b"--B--", "one file"),
        (PART % b"f; filename=a" + PART % b"color" + b"--B--", "after the file"),
        (b"--B\r\nContent-Disposition: form-data; name=words\r\n\r\n1\r\n" * 70, "64 fields"),
    ],
)  # fmt: skip
async def test_a_form_that_is_malformed_says_how(
    client: httpx.AsyncClient, body: bytes, says: str
) -> None:
    headers = {"content-type": "multipart/form-data; boundary=B"}
    answer = await client.post(URL, content=body, headers=headers)
    assert answer.status_code == 400, answer.text
    assert says in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/x-www-form-urlencoded", 415),
        ("multipart/mixed; boundary=B", 415),
        ("multipart/form-data", 400),
        ("multipart/form-data; boundary=" + "b" * 71, 400),
    ],
)
async def test_a_content_type_that_is_no_file_is_refused(
    client: httpx.AsyncClient, content_type: str, status: int
) -> None:
    answer = await client.post(URL, content=b"abc", headers={"content-type": content_type})
    assert answer.status_code == status


@pytest.mark.parametrize("declared", [True, False])
async def test_a_file_over_the_cap_is_refused_with_an_answer(
    web: httpx.AsyncClient, declared: bool
) -> None:
    content = FILE * 8 if declared else stream(*[FILE] * 8)
    answer = await web.post(URL, content=content, headers=OCTETS)
    assert answer.status_code == 413
    assert answer.json()["error"]["details"][0]["reason"] == "BODY_TOO_LARGE"


async def test_a_server_that_refuses_early_is_heard_by_a_client_still_sending(
    web: httpx.AsyncClient,
) -> None:
    url = f"{URL}?filename=refused.txt"
    answer = await web.post(url, content=stream(*[FILE[:65536]] * 40), headers=OCTETS)
    assert answer.status_code == 403
    assert answer.json()["error"]["message"] == "not here"


async def test_a_client_that_leaves_cancels_its_upload(address: tuple[str, int], lab: Lab) -> None:
    _, writer = await asyncio.open_connection(*address)
    writer.write(b"POST /lab/files:upload HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n")
    writer.write(b"x-correlation-id: left-upload\r\n\r\n" + FILE[:500000])
    await writer.drain()
    await asyncio.sleep(0.1)
    writer.close()
    await lab.until_cancelled("left-upload")


@given(
    files=st.lists(
        st.binary(max_size=60) | st.sampled_from([b"\r\n--B", b"\r\n--", b"\r\n", b"--B\r\n--"]),
        max_size=4,
    ),
    cuts=st.lists(st.integers(0, 400), max_size=12),
)  # fmt: skip
@settings(max_examples=150, deadline=None)
def test_parts_survive_however_the_body_is_cut(files: list[bytes], cuts: list[int]) -> None:
    boundary = b"B0undary"
    head = b'--%b\r\nContent-Disposition: form-data; name="f%d"; filename="x"\r\n\r\n%b\r\n'
    body = b"preamble\r\n" + b"".join(head % (boundary, n, file) for n, file in enumerate(files))
    body += b"--%b--\r\nepilogue" % boundary
    places = [0, *sorted({min(cut, len(body)) for cut in cuts}), len(body)]
    pieces = [body[a:b] for a, b in itertools.pairwise(places)]

    async def read() -> list[bytes]:
        reader = MultipartReader(stream(*pieces), boundary)
        found = []
        while await reader.next_part() is not None:
            found.append(b"".join([piece async for piece in reader.content()]))
        return found

    assert asyncio.run(read()) == files


def test_a_boundary_may_be_quoted() -> None:
    assert boundary_of('multipart/form-data; boundary="a b?c"') == b"a b?c"
    with pytest.raises(HttpError):
        boundary_of("multipart/form-data; boundary=é")
