"""Routes: every RPC of the contract has one, and templates mean what the grammar says."""

from collections.abc import Callable
from urllib.parse import quote

import grpc
import httpx
import pytest
from google.protobuf.descriptor import MethodDescriptor
from hypothesis import given
from hypothesis import strategies as st

from entrypoints.rest.app import create_app
from entrypoints.rest.calls import handler_for
from entrypoints.rest.limits import Limits
from entrypoints.rest.routes import Route, RouteTree, published_services, routes_of
from entrypoints.rest.templates import Template, TemplateError, split_path
from fixtures.rest_lab import Lab

RPCS = [method for service in published_services() for method in service.methods]


def test_the_contract_is_found() -> None:
    names = {service.name for service in published_services()}
    assert names >= {"AgentService", "DocumentService", "RunService", "TenancyService"}


@pytest.mark.parametrize("method", RPCS, ids=lambda method: method.name)
async def test_every_rpc_can_be_reached(
    method: MethodDescriptor, channel: grpc.aio.Channel
) -> None:
    routes = [route for route in routes_of([method.containing_service]) if route.method is method]
    assert routes, f"{method.full_name} has no google.api.http option"
    transport = httpx.ASGITransport(app=create_app(channel))
    async with httpx.AsyncClient(transport=transport, base_url="http://x.test") as client:
        for route in routes:
            path = route.template.text.replace("{", "").replace("}", "")
            answer = await client.request(route.verb, path)
            # The lab serves none of the contract: what answers is the gRPC server itself.
            assert (answer.status_code, answer.json()["error"]["status"]) == (501, "UNIMPLEMENTED")


@pytest.mark.parametrize(
    ("text", "segments", "verb", "variables"),
    [
        ("/v1/runs", ("v1", "runs"), "", {}),
        ("/v1/{a}", ("v1", "*"), "", {"a": (1, 2)}),
        ("/v1/{a}:go", ("v1", "*"), "go", {"a": (1, 2)}),
        ("/v1/x:go", ("v1", "x"), "go", {}),
        ("/v1/{a.b_c.d}/x", ("v1", "*", "x"), "", {"a.b_c.d": (1, 2)}),
        ("/v1/{a=b/*/c/*}/d", ("v1", "b", "*", "c", "*", "d"), "", {"a": (1, 5)}),
        ("/{a=b/**}:go", ("b", "**"), "go", {"a": (0, None)}),
        ("/v1/*/{a}", ("v1", "*", "*"), "", {"a": (2, 3)}),
        ("/**", ("**",), "", {}),
    ],
)
def test_a_template_is_read(
    text: str, segments: tuple[str, ...], verb: str, variables: dict[str, tuple[int, int | None]]
) -> None:
    template = Template.parse(text)
    assert (template.segments, template.verb) == (segments, verb)
    assert {v.field: (v.start, v.end) for v in template.variables} == variables


@pytest.mark.parametrize(
    "text",
    ["v1", "", "/", "/v1/", "/v1//x", "/v1/{a", "/v1/a}", "/v1/{a}{b}", "/v1/x{a}", "/{a=**}/x",
     "/{}", "/{a=}", "/{a}/{a}", "/{1a}", "/{a.}", "/a:", "/a:b:c", "/{a={b}}", "/a b"],
)  # fmt: skip
def test_a_template_outside_the_grammar_is_refused(text: str) -> None:
    with pytest.raises(TemplateError):
        Template.parse(text)


def lab_route(lab: Lab, template: str, verb: str = "GET", **more: str) -> Route:
    method = lab.service.methods_by_name["Echo"]
    fields = {"body": "", "response_body": "", **more}
    return Route(method=method, verb=verb, template=Template.parse(template), **fields)


@pytest.mark.parametrize(
    ("template", "more"),
    [
        ("/{nope}", {}),
        ("/{inner}", {}),
        ("/{inner.nope}", {}),
        ("/{text.nope}", {}),
        ("/{words}", {}),
        ("/{labels}", {}),
        ("/{inners.label}", {}),
        ("/a", {"body": "nope"}),
        ("/a", {"response_body": "nope"}),
    ],
)
def test_a_route_for_a_field_that_is_not_there_stops_the_start(
    lab: Lab, template: str, more: dict[str, str]
) -> None:
    with pytest.raises(TemplateError, match=template.strip("/{}").split(".", maxsplit=1)[0]):
        lab_route(lab, template, **more)


def test_two_routes_for_one_path_stop_the_start(lab: Lab) -> None:
    one, other = lab_route(lab, "/a/{text}"), lab_route(lab, "/a/{inner.label}")
    with pytest.raises(TemplateError, match=r"also /a/\{text\}"):
        RouteTree([one, other])
    RouteTree([one, lab_route(lab, "/a/{text}", "PUT"), lab_route(lab, "/a/{text}:go")])


def test_a_literal_goes_before_a_variable_whatever_their_order(lab: Lab) -> None:
    texts = ["/{text}/b", "/a/{text}", "/a/b", "/{text=**}"]
    for order in (texts, texts[::-1]):
        tree = RouteTree([lab_route(lab, text) for text in order])
        for path, expected in {"/a/b": 2, "/a/c": 1, "/c/b": 0, "/c/d": 3, "/a/b/c": 3}.items():
            found = tree.find(*split_path(path))
            assert found["GET"].template.text == texts[expected], path


async def test_a_stream_in_both_directions_has_no_rest_form(
    lab: Lab, channel: grpc.aio.Channel
) -> None:
    upload = lab.service.methods_by_name["Upload"]
    watch = lab.service.methods_by_name["Watch"]

    class Both:  # the contract has none, so this one is made up
        client_streaming = True
        server_streaming = True
        name = "Both"
        containing_service = upload.containing_service
        input_type = watch.input_type
        output_type = upload.output_type

    template = Template.parse("/a")
    route = Route(method=Both, verb="GET", template=template, body="", response_body="")  # type: ignore[arg-type]
    with pytest.raises(TemplateError, match="only uploads"):
        handler_for(route, channel, Limits())


NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)


@given(first=NAMES, second=NAMES)
def test_what_is_escaped_into_a_path_comes_out_again(first: str, second: str) -> None:
    template = Template.parse("/v1/{a}/x/{b.c}:go")
    path = f"/v1/{quote(first, safe='')}/x/{quote(second, safe='')}:go"
    segments, verb = split_path(path)
    assert verb == template.verb
    assert len(segments) == len(template.segments)
    assert template.capture(segments) == {"a": first, "b.c": second}


@given(parts=st.lists(NAMES.map(lambda text: text.replace("/", "")).filter(bool), min_size=1))
def test_a_path_of_many_segments_comes_out_joined(parts: list[str]) -> None:
    template = Template.parse("/v1/{a=**}")
    segments, _ = split_path("/v1/" + "/".join(quote(part, safe="") for part in parts))
    assert template.capture(segments) == {"a": "/".join(parts)}


async def test_a_mounted_application_finds_its_routes(app: Callable[..., object]) -> None:
    transport = httpx.ASGITransport(app=app, root_path="/api")  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://x.test") as client:
        answer = await client.get("/api/lab/echo/a%2Fb")
        assert answer.json()["text"] == "a/b"


async def test_a_web_socket_is_closed(app: Callable[..., object]) -> None:
    sent: list[dict[str, object]] = []

    async def receive() -> dict[str, str]:
        return {"type": "websocket.connect"}

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    scope = {"type": "websocket", "path": "/lab/echo", "headers": [], "query_string": b""}
    await app(scope, receive, send)  # type: ignore[misc]  # ASGI by hand
    assert [message["type"] for message in sent] == ["websocket.close"]
