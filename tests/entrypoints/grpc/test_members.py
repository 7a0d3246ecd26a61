"""Members, invitations and services over the wire, on two servers that share a database."""

import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest
import pytest_asyncio

from fixtures.hosted import PASSWORD, Hosted, hosted
from fixtures.making import new_id
from fixtures.postgres import PostgresServer
from obelisk.client import ObeliskClient
from obelisk.v1 import auth_pb2, conversation_pb2, tenancy_pb2
from obelisk.v1 import member_pb2 as pb

NOT_FOUND, DENIED = grpc.StatusCode.NOT_FOUND, grpc.StatusCode.PERMISSION_DENIED
INVALID = grpc.StatusCode.INVALID_ARGUMENT


@dataclass(frozen=True, slots=True, kw_only=True)
class Servers:
    here: Hosted
    there: Hosted


@dataclass(frozen=True, slots=True, kw_only=True)
class Firm:
    """An organization with one space; `owner` is its owner's client, which enters the space."""

    owner: ObeliskClient
    organization: str
    space: str


@pytest_asyncio.fixture(scope="module")
async def servers(postgres_server: PostgresServer, valkey_url: str) -> AsyncIterator[Servers]:
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(postgres_server.database())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        both = [
            await stack.enter_async_context(hosted(database, folder, valkey_url)) for _ in range(2)
        ]
        yield Servers(here=both[0], there=both[1])


@pytest_asyncio.fixture
async def firm(servers: Servers) -> AsyncIterator[Firm]:
    async with _firm(servers) as made:
        yield made


@pytest_asyncio.fixture(scope="module")
async def same_firm(servers: Servers) -> AsyncIterator[Firm]:
    """For tests in which nothing is changed."""
    async with _firm(servers) as made:
        yield made


@asynccontextmanager
async def _firm(servers: Servers) -> AsyncIterator[Firm]:
    email = f"{new_id()}@example.com"
    await servers.here.person(email, "Olga")
    async with servers.here.client(email) as owner:
        made = await owner.tenancy.CreateOrganization(
            tenancy_pb2.CreateOrganizationRequest(display_name="Nordlys"), metadata=owner.metadata
        )
        home = made.organization.organization_id
        space = await owner.tenancy.CreateSpace(
            tenancy_pb2.CreateSpaceRequest(organization_id=home, display_name="Brand"),
            metadata=owner.metadata,
        )
        owner.space_id = space.space.space_id
        yield Firm(owner=owner, organization=home, space=space.space.space_id)


async def _invited(
    firm: Firm, email: str, role: pb.Role.ValueType, *, inside: pb.Role.ValueType | None = None
) -> str:
    """The token of a new invitation."""
    roles = [pb.SpaceRole(space_id=firm.space, role=inside)] if inside is not None else []
    answer = await firm.owner.members.CreateInvitation(
        pb.CreateInvitationRequest(
            organization_id=firm.organization, email=email, role=role, space_roles=roles
        ),
        metadata=firm.owner.metadata,
    )
    return answer.invitation_token


async def _accepted(server: Hosted, token: str) -> str:
    """The access token of whoever has come by an invitation."""
    async with ObeliskClient(server.addresses.grpc, token="") as nobody:
        answer = await nobody.auth.AcceptInvitation(
            auth_pb2.AcceptInvitationRequest(
                invitation_token=token, password=PASSWORD, display_name="Ana"
            )
        )
    return answer.tokens.access_token


async def _members(firm: Firm) -> dict[str, pb.Member]:
    answer = await firm.owner.members.ListMembers(
        pb.ListMembersRequest(organization_id=firm.organization), metadata=firm.owner.metadata
    )
    return {member.user_id: member for member in answer.members}


async def _member_id(firm: Firm, email: str) -> str:
    return next(key for key, one in (await _members(firm)).items() if one.email == email)


async def test_somebody_is_invited_comes_changes_and_goes(servers: Servers, firm: Firm) -> None:
    email = f"{new_id()}@example.com"
    token = await _invited(firm, email, pb.ROLE_VIEWER, inside=pb.ROLE_VIEWER)
    listed = await firm.owner.members.ListInvitations(
        pb.ListInvitationsRequest(organization_id=firm.organization), metadata=firm.owner.metadata
    )
    [open_one] = listed.invitations
    assert (open_one.email, open_one.role) == (email, pb.ROLE_VIEWER)
    assert [(one.space_id, one.role) for one in open_one.space_roles] == [
        (firm.space, pb.ROLE_VIEWER)
    ]
    assert open_one.expire_time.seconds - open_one.create_time.seconds == 7 * 24 * 3600
    access = await _accepted(servers.there, token)
    ana = await _member_id(firm, email)
    member = (await _members(firm))[ana]
    assert (member.display_name, member.role, member.service) == ("Ana", pb.ROLE_VIEWER, False)

    # Her one token is asked for on the other server all along: each change holds at once.
    there = servers.there.addresses.grpc
    async with ObeliskClient(there, token=access, space_id=firm.space) as client:
        await _listed(client)
        assert await _refusal_of_creating(client) is DENIED
        await firm.owner.members.SetSpaceMember(
            pb.SetSpaceMemberRequest(user_id=ana, role=pb.ROLE_EDITOR),
            metadata=firm.owner.metadata,
        )
        assert await _refusal_of_creating(client) is None
        await firm.owner.members.RemoveSpaceMember(
            pb.RemoveSpaceMemberRequest(user_id=ana), metadata=firm.owner.metadata
        )
        assert await _refusal_of_creating(client) is NOT_FOUND
        changed = await firm.owner.members.SetMember(
            pb.SetMemberRequest(organization_id=firm.organization, user_id=ana, role=pb.ROLE_ADMIN),
            metadata=firm.owner.metadata,
        )
        assert changed.member.role == pb.ROLE_ADMIN
        assert await _refusal_of_creating(client) is None
        await firm.owner.members.RemoveMember(
            pb.RemoveMemberRequest(organization_id=firm.organization, user_id=ana),
            metadata=firm.owner.metadata,
        )
        assert await _refusal_of_creating(client) is NOT_FOUND
        with pytest.raises(grpc.aio.AioRpcError) as refusal:
            await client.members.ListMembers(
                pb.ListMembersRequest(organization_id=firm.organization), metadata=client.metadata
            )
        assert refusal.value.code() is NOT_FOUND
    assert ana not in await _members(firm)


async def _listed(client: ObeliskClient) -> None:
    await client.conversations.ListConversations(
        conversation_pb2.ListConversationsRequest(), metadata=client.metadata
    )


async def _refusal_of_creating(client: ObeliskClient) -> grpc.StatusCode | None:
    try:
        await client.conversations.CreateConversation(
            conversation_pb2.CreateConversationRequest(title="x"), metadata=client.metadata
        )
    except grpc.aio.AioRpcError as error:
        return error.code()
    return None


async def test_a_revoked_invitation_and_an_unknown_one_answer_alike(
    servers: Servers, firm: Firm
) -> None:
    token = await _invited(firm, f"{new_id()}@example.com", pb.ROLE_VIEWER)
    listed = await firm.owner.members.ListInvitations(
        pb.ListInvitationsRequest(organization_id=firm.organization), metadata=firm.owner.metadata
    )
    await firm.owner.members.RevokeInvitation(
        pb.RevokeInvitationRequest(
            organization_id=firm.organization,
            invitation_id=listed.invitations[0].invitation_id,
        ),
        metadata=firm.owner.metadata,
    )
    answers = set()
    for offered in (token, "x" * 43):
        with pytest.raises(grpc.aio.AioRpcError) as refusal:
            await _accepted(servers.here, offered)
        answers.add((refusal.value.code(), refusal.value.details()))
    assert len(answers) == 1


async def test_a_service_works_until_it_is_revoked(servers: Servers, firm: Firm) -> None:
    made = await firm.owner.members.CreateServiceClient(
        pb.CreateServiceClientRequest(
            organization_id=firm.organization,
            display_name="Importer",
            role=pb.ROLE_VIEWER,
            space_roles=[pb.SpaceRole(space_id=firm.space, role=pb.ROLE_EDITOR)],
        ),
        metadata=firm.owner.metadata,
    )
    exchange = auth_pb2.ExchangeClientCredentialsRequest(
        client_id=made.client.client_id, client_secret=made.client_secret
    )
    there = servers.there.addresses.grpc
    async with ObeliskClient(there, token="") as nobody:
        tokens = await nobody.auth.ExchangeClientCredentials(exchange)
    access = tokens.tokens.access_token
    async with ObeliskClient(there, token=access, space_id=firm.space) as service:
        assert await _refusal_of_creating(service) is None
        with pytest.raises(grpc.aio.AioRpcError) as refusal:
            await service.tenancy.CreateOrganization(
                tenancy_pb2.CreateOrganizationRequest(display_name="Mine"),
                metadata=service.metadata,
            )
        assert refusal.value.code() is DENIED
        await firm.owner.members.RevokeServiceClient(
            pb.RevokeServiceClientRequest(
                organization_id=firm.organization, client_id=made.client.client_id
            ),
            metadata=firm.owner.metadata,
        )
        assert await _refusal_of_creating(service) is grpc.StatusCode.UNAUTHENTICATED
        with pytest.raises(grpc.aio.AioRpcError) as refusal:
            await service.auth.ExchangeClientCredentials(exchange)
        assert refusal.value.code() is grpc.StatusCode.UNAUTHENTICATED
    listed = await firm.owner.members.ListServiceClients(
        pb.ListServiceClientsRequest(organization_id=firm.organization),
        metadata=firm.owner.metadata,
    )
    assert [(one.display_name, one.revoked) for one in listed.clients] == [("Importer", True)]


async def test_a_space_is_renamed_and_its_settings_have_a_history(firm: Firm) -> None:
    owner = firm.owner
    renamed = await owner.tenancy.UpdateSpace(
        tenancy_pb2.UpdateSpaceRequest(display_name="Ours"), metadata=owner.metadata
    )
    assert renamed.space.display_name == "Ours"
    home = await owner.tenancy.UpdateOrganization(
        tenancy_pb2.UpdateOrganizationRequest(
            organization_id=firm.organization, display_name="Sørlys"
        ),
        metadata=owner.metadata,
    )
    assert home.organization.display_name == "Sørlys"
    for tone in ("warm", "dry", "brief"):
        await owner.tenancy.UpdateSpaceSettings(
            tenancy_pb2.UpdateSpaceSettingsRequest(
                settings=tenancy_pb2.SpaceSettings(
                    tone=tone, terms_to_avoid=["cheap"], claims_needing_proof=["the best"]
                )
            ),
            metadata=owner.metadata,
        )
    seen, token = [], ""
    while True:
        page = await owner.tenancy.ListSpaceSettingsVersions(
            tenancy_pb2.ListSpaceSettingsVersionsRequest(page_size=2, page_token=token),
            metadata=owner.metadata,
        )
        seen += [(one.version, one.settings.tone) for one in page.versions]
        token = page.next_page_token
        if not token:
            break
    assert seen == [(3, "brief"), (2, "dry"), (1, "warm")]
    [member] = [one for one in (await _members(firm)).values() if one.role == pb.ROLE_OWNER]
    assert {one.editor for one in page.versions} == {member.user_id}


@pytest.mark.parametrize("page_token", ["0", "-1", "x", "1" * 30, "١"])
async def test_a_page_token_that_no_page_gave_is_refused(same_firm: Firm, page_token: str) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await same_firm.owner.tenancy.ListSpaceSettingsVersions(
            tenancy_pb2.ListSpaceSettingsVersionsRequest(page_token=page_token),
            metadata=same_firm.owner.metadata,
        )
    assert refusal.value.code() is INVALID
    assert "page_token" in (refusal.value.details() or "")


async def test_what_is_no_role_is_refused_with_those_that_are(same_firm: Firm) -> None:
    member = next(iter(await _members(same_firm)))
    for role in (pb.ROLE_UNSPECIFIED, 99):
        with pytest.raises(grpc.aio.AioRpcError) as refusal:
            await same_firm.owner.members.SetMember(
                pb.SetMemberRequest(
                    organization_id=same_firm.organization,
                    user_id=member,
                    role=role,  # type: ignore[arg-type]  # the wire takes any number
                ),
                metadata=same_firm.owner.metadata,
            )
        assert refusal.value.code() is INVALID
        assert "ROLE_OWNER" in (refusal.value.details() or "")


@pytest.mark.parametrize(
    ("space_roles", "said"),
    [
        ([pb.SpaceRole(space_id="x", role=pb.ROLE_VIEWER)], "space_roles.space_id"),
        ([pb.SpaceRole(space_id=str(new_id()))], "space_roles.role"),
        ([pb.SpaceRole(space_id=f"{n:032x}", role=pb.ROLE_VIEWER) for n in range(101)], "at most"),
        ([pb.SpaceRole(space_id=f"{1:032x}", role=pb.ROLE_VIEWER)] * 2, "twice"),
    ],
)
async def test_roles_in_spaces_that_are_none_are_refused(
    same_firm: Firm, space_roles: list[pb.SpaceRole], said: str
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await same_firm.owner.members.CreateInvitation(
            pb.CreateInvitationRequest(
                organization_id=same_firm.organization,
                email="ana@example.com",
                role=pb.ROLE_VIEWER,
                space_roles=space_roles,
            ),
            metadata=same_firm.owner.metadata,
        )
    assert refusal.value.code() is INVALID
    assert said in (refusal.value.details() or "")


async def test_a_stranger_learns_nothing_of_an_organization(servers: Servers, firm: Firm) -> None:
    email = f"{new_id()}@example.com"
    await servers.here.person(email)
    answers = set()
    async with servers.here.client(email) as stranger:
        for organization in (firm.organization, str(new_id())):
            with pytest.raises(grpc.aio.AioRpcError) as refusal:
                await stranger.members.ListMembers(
                    pb.ListMembersRequest(organization_id=organization),
                    metadata=stranger.metadata,
                )
            answers.add((refusal.value.code(), refusal.value.details()))
    assert len(answers) == 1
    [(code, _)] = answers
    assert code is NOT_FOUND
