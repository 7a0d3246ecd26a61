"""Where a call comes from, through either door, and whoever would like to look like another."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import grpc
import httpx
import pytest
import pytest_asyncio

from entrypoints.grpc.origin import address_of_peer
from entrypoints.relay import ADDRESS, AGENT, PROOF, Origin, Relay, plain_address, plain_agent
from entrypoints.rest.app import create_app
from fixtures.audited import SeenAuditLog, Stage, staged
from fixtures.making import new_id
from fixtures.stores import memory_stores
from obelisk.v1 import auth_pb2, auth_pb2_grpc

BROWSER = "203.0.113.5"
SIGN_IN = "/v1/auth:signIn"


@dataclass(frozen=True, slots=True)
class Doors:
    stage: Stage
    target: str

    async def over_rest(
        self,
        *headers: tuple[str, str],
        trusted_proxies: int = 0,
        client: tuple[str, int] = (BROWSER, 4711),
        relay: Relay | None = None,
    ) -> str:
        """Sign in through the REST door; the address that the server saw."""
        async with grpc.aio.insecure_channel(self.target) as channel:
            app = create_app(
                channel, relay=relay or self.stage.relay, trusted_proxies=trusted_proxies
            )
            transport = httpx.ASGITransport(app=app, client=client)
            async with httpx.AsyncClient(transport=transport, base_url="http://o.test") as web:
                answer = await web.post(SIGN_IN, json={}, headers=list(headers))
        assert answer.status_code == 200, answer.text
        return self.stage.addresses[-1]

    async def over_grpc(self, *metadata: tuple[str, str], target: str | None = None) -> str:
        """Sign in over gRPC; the address that the server saw."""
        async with grpc.aio.insecure_channel(target or self.target) as channel:
            stub: auth_pb2_grpc.AuthServiceAsyncStub = auth_pb2_grpc.AuthServiceStub(channel)
            await stub.SignIn(auth_pb2.SignInRequest(), metadata=metadata)
        return self.stage.addresses[-1]


@pytest_asyncio.fixture
async def doors() -> AsyncIterator[Doors]:
    stage = Stage(log=SeenAuditLog(), organization_id=str(new_id()))
    async with staged(stage, memory_stores().tenancy) as target:
        yield Doors(stage, target)


async def test_over_grpc_it_is_the_peer(doors: Doors) -> None:
    assert await doors.over_grpc() == "127.0.0.1"
    assert doors.stage.agents[-1].startswith("grpc-python-asyncio")


async def test_through_the_rest_door_it_is_the_browser_and_not_the_door(doors: Doors) -> None:
    assert await doors.over_rest(("user-agent", "Firefox/140")) == BROWSER
    assert doors.stage.agents[-1] == "Firefox/140"


async def test_the_log_has_the_same_address(doors: Doors) -> None:
    await doors.over_rest()
    assert [event.address for event in doors.stage.log.events] == [BROWSER]


@pytest.mark.parametrize("proof", ["", "0" * 64, "true"])
async def test_nobody_outside_can_speak_for_another_address(doors: Doors, proof: str) -> None:
    said = ((PROOF, proof), (ADDRESS, "198.51.100.9"), (AGENT, "trust me"))
    assert await doors.over_grpc(*said) == "127.0.0.1"
    assert "trust me" not in doors.stage.agents[-1]


async def test_the_headers_of_the_relay_do_not_pass_the_rest_door(doors: Doors) -> None:
    said = ((PROOF, "0" * 64), (ADDRESS, "198.51.100.9"), (AGENT, "trust me"))
    assert await doors.over_rest(*said) == BROWSER


async def test_another_process_proves_nothing_here(doors: Doors) -> None:
    assert await doors.over_rest(relay=Relay()) == "127.0.0.1"


async def test_a_true_proof_beside_a_second_address_is_not_believed(doors: Doors) -> None:
    true = doors.stage.relay.metadata(Origin(address=BROWSER, user_agent=""))
    assert await doors.over_grpc(*true) == BROWSER
    assert await doors.over_grpc(*true, (ADDRESS, "198.51.100.9")) == "127.0.0.1"


async def test_forwarded_for_counts_for_nothing_without_trusted_proxies(doors: Doors) -> None:
    assert await doors.over_rest(("x-forwarded-for", "198.51.100.9")) == BROWSER


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (1, ["198.51.100.9"], "198.51.100.9"),
        (1, ["10.9.9.9, 198.51.100.9"], "198.51.100.9"),
        (1, ["10.9.9.9", "198.51.100.9"], "198.51.100.9"),
        (2, ["10.9.9.9, 198.51.100.9, 10.0.0.1"], "198.51.100.9"),
        (2, ["198.51.100.9"], "198.51.100.9"),
        (2, ["10.9.9.9, nonsense, 10.0.0.1"], "10.0.0.1"),
        (1, ["nonsense"], BROWSER),
        (1, ["198.51.100.9, "], BROWSER),
        (1, [], BROWSER),
        (1, ["[2001:db8::7]:443"], "2001:db8::7"),
        (1, ["198.51.100.9:1234"], "198.51.100.9"),
    ],
)
async def test_trusted_proxies_are_believed_as_far_as_they_reach(
    doors: Doors, proxies: int, forwarded: list[str], address: str
) -> None:
    headers = [("x-forwarded-for", value) for value in forwarded]
    assert await doors.over_rest(*headers, trusted_proxies=proxies) == address


@pytest.mark.parametrize("client", ["2001:db8::1", "::ffff:203.0.113.5", "fe80::1%eth0"])
async def test_a_browser_may_come_over_ipv6(doors: Doors, client: str) -> None:
    seen = {"::ffff:203.0.113.5": "203.0.113.5", "fe80::1%eth0": "fe80::1"}
    assert await doors.over_rest(client=(client, 1)) == seen.get(client, client)


async def test_a_socket_of_this_machine_says_so(tmp_path: Path) -> None:
    stage, socket = Stage(log=SeenAuditLog()), f"unix:{tmp_path}/s"
    async with staged(stage, memory_stores().tenancy, address=socket):
        assert await Doors(stage, socket).over_grpc() == "unix"


@pytest.mark.parametrize(
    ("peer", "address"),
    [
        ("ipv4:192.0.2.1:5000", "192.0.2.1"),
        ("ipv6:%5B2001:db8::1%5D:5000", "2001:db8::1"),
        ("ipv6:[::1]:5000", "::1"),
        ("ipv6:%5B::ffff:192.0.2.1%5D:5000", "192.0.2.1"),
        ("ipv6:%5Bfe80::1%25eth0%5D:5000", "fe80::1"),
        ("unix:", "unix"),
        ("unix:/run/obelisk.sock", "unix"),
        ("unix-abstract:obelisk", "unix"),
        ("vsock:3:5000", ""),
        ("", ""),
    ],
)
def test_a_peer_is_read_in_every_spelling(peer: str, address: str) -> None:
    assert address_of_peer(peer) == address


@pytest.mark.parametrize("text", ["", "unknown", "_hidden", "1.2.3", "::g", "[", "a:b", "\x00"])
def test_what_is_no_address_is_none(text: str) -> None:
    assert plain_address(text) == ""


def test_a_user_agent_is_short_and_printable() -> None:
    assert plain_agent("a\nb\x1b[31mc\u202e" + "d" * 500) == "ab[31mc" + "d" * 193
    assert plain_agent("   ") == ""
