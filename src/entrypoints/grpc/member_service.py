"""MemberService on the wire."""

from application.tenancy.clients import ManageClients
from application.tenancy.invitations import ManageInvitations
from application.tenancy.members import ManageMembers
from domain.identifiers import InvitationId, OrganizationId, UserId
from domain.paging import page_request
from entrypoints.grpc import convert_tenancy as convert
from entrypoints.grpc.call import request_context
from entrypoints.grpc.convert import page_token
from entrypoints.grpc.interceptors.chain import Context
from entrypoints.grpc.parse import role_of, space_roles, uuid_of
from obelisk.v1 import member_pb2 as pb
from obelisk.v1 import member_pb2_grpc


class MemberService(member_pb2_grpc.MemberServiceServicer):
    def __init__(
        self, *, members: ManageMembers, invitations: ManageInvitations, clients: ManageClients
    ) -> None:
        self._members = members
        self._invitations = invitations
        self._clients = clients

    async def ListMembers(
        self, request: pb.ListMembersRequest, context: Context
    ) -> pb.ListMembersResponse:
        found = await self._members.list(
            request_context(),
            organization_id=_organization(request.organization_id),
            page=page_request(request.page_size, request.page_token),
        )
        return pb.ListMembersResponse(
            members=[convert.member(item) for item in found.items],
            next_page_token=page_token(found.next_after),
        )

    async def SetMember(
        self, request: pb.SetMemberRequest, context: Context
    ) -> pb.SetMemberResponse:
        changed = await self._members.set(
            request_context(),
            organization_id=_organization(request.organization_id),
            user_id=_user(request.user_id),
            role=role_of(request.role),
        )
        return pb.SetMemberResponse(member=convert.member(changed))

    async def RemoveMember(
        self, request: pb.RemoveMemberRequest, context: Context
    ) -> pb.RemoveMemberResponse:
        await self._members.remove(
            request_context(),
            organization_id=_organization(request.organization_id),
            user_id=_user(request.user_id),
        )
        return pb.RemoveMemberResponse()

    async def ListSpaceMembers(
        self, request: pb.ListSpaceMembersRequest, context: Context
    ) -> pb.ListSpaceMembersResponse:
        found = await self._members.list_in_space(
            request_context(), page=page_request(request.page_size, request.page_token)
        )
        return pb.ListSpaceMembersResponse(
            members=[convert.member(item) for item in found.items],
            next_page_token=page_token(found.next_after),
        )

    async def SetSpaceMember(
        self, request: pb.SetSpaceMemberRequest, context: Context
    ) -> pb.SetSpaceMemberResponse:
        changed = await self._members.set_in_space(
            request_context(), user_id=_user(request.user_id), role=role_of(request.role)
        )
        return pb.SetSpaceMemberResponse(member=convert.member(changed))

    async def RemoveSpaceMember(
        self, request: pb.RemoveSpaceMemberRequest, context: Context
    ) -> pb.RemoveSpaceMemberResponse:
        await self._members.remove_from_space(request_context(), user_id=_user(request.user_id))
        return pb.RemoveSpaceMemberResponse()

    async def CreateInvitation(
        self, request: pb.CreateInvitationRequest, context: Context
    ) -> pb.CreateInvitationResponse:
        created, token = await self._invitations.create(
            request_context(),
            organization_id=_organization(request.organization_id),
            email=request.email,
            role=role_of(request.role),
            space_roles=space_roles(request.space_roles),
        )
        return pb.CreateInvitationResponse(
            invitation=convert.invitation(created), invitation_token=token
        )

    async def ListInvitations(
        self, request: pb.ListInvitationsRequest, context: Context
    ) -> pb.ListInvitationsResponse:
        found = await self._invitations.list(
            request_context(),
            organization_id=_organization(request.organization_id),
            page=page_request(request.page_size, request.page_token),
        )
        return pb.ListInvitationsResponse(
            invitations=[convert.invitation(item) for item in found.items],
            next_page_token=page_token(found.next_after),
        )

    async def RevokeInvitation(
        self, request: pb.RevokeInvitationRequest, context: Context
    ) -> pb.RevokeInvitationResponse:
        await self._invitations.revoke(
            request_context(),
            organization_id=_organization(request.organization_id),
            invitation_id=InvitationId(uuid_of(request.invitation_id, "invitation_id")),
        )
        return pb.RevokeInvitationResponse()

    async def CreateServiceClient(
        self, request: pb.CreateServiceClientRequest, context: Context
    ) -> pb.CreateServiceClientResponse:
        created, secret = await self._clients.create(
            request_context(),
            organization_id=_organization(request.organization_id),
            display_name=request.display_name,
            role=role_of(request.role),
            space_roles=space_roles(request.space_roles),
        )
        return pb.CreateServiceClientResponse(
            client=convert.service_client(created), client_secret=secret
        )

    async def ListServiceClients(
        self, request: pb.ListServiceClientsRequest, context: Context
    ) -> pb.ListServiceClientsResponse:
        found = await self._clients.list(
            request_context(), organization_id=_organization(request.organization_id)
        )
        return pb.ListServiceClientsResponse(
            clients=[convert.service_client(item) for item in found]
        )

    async def RevokeServiceClient(
        self, request: pb.RevokeServiceClientRequest, context: Context
    ) -> pb.RevokeServiceClientResponse:
        await self._clients.revoke(
            request_context(),
            organization_id=_organization(request.organization_id),
            client_id=UserId(uuid_of(request.client_id, "client_id")),
        )
        return pb.RevokeServiceClientResponse()


def _organization(text: str) -> OrganizationId:
    return OrganizationId(uuid_of(text, "organization_id"))


def _user(text: str) -> UserId:
    return UserId(uuid_of(text, "user_id"))
