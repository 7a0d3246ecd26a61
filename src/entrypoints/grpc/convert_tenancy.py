"""Members, invitations, services, settings' versions and receipts as messages."""

from domain.tenancy.access import Role
from domain.tenancy.client import ServiceClient
from domain.tenancy.erasure import ErasureReceipt
from domain.tenancy.invitation import Invitation
from domain.tenancy.members import Member
from domain.tenancy.settings import SettingsVersion
from entrypoints.grpc.convert import settings, timestamp
from obelisk.v1 import member_pb2, tenancy_pb2

ROLES = {
    Role.OWNER: member_pb2.ROLE_OWNER,
    Role.ADMIN: member_pb2.ROLE_ADMIN,
    Role.EDITOR: member_pb2.ROLE_EDITOR,
    Role.REVIEWER: member_pb2.ROLE_REVIEWER,
    Role.VIEWER: member_pb2.ROLE_VIEWER,
}


def member(value: Member) -> member_pb2.Member:
    return member_pb2.Member(
        user_id=str(value.user_id),
        email=value.email,
        display_name=value.display_name,
        role=ROLES[value.role],
        service=value.service,
    )


def invitation(value: Invitation) -> member_pb2.Invitation:
    return member_pb2.Invitation(
        invitation_id=str(value.invitation_id),
        email=value.email,
        role=ROLES[value.role],
        space_roles=[
            member_pb2.SpaceRole(space_id=str(space), role=ROLES[role])
            for space, role in sorted(value.space_roles.items())
        ],
        create_time=timestamp(value.create_time),
        expire_time=timestamp(value.expire_time),
    )


def service_client(value: ServiceClient) -> member_pb2.ServiceClient:
    return member_pb2.ServiceClient(
        client_id=str(value.client_id),
        display_name=value.display_name,
        revoked=value.revoked,
        create_time=timestamp(value.create_time),
    )


def settings_version(value: SettingsVersion) -> tenancy_pb2.SpaceSettingsVersion:
    return tenancy_pb2.SpaceSettingsVersion(
        version=value.version,
        settings=settings(value.settings),
        editor=str(value.editor),
        create_time=timestamp(value.create_time),
    )


def receipt(value: ErasureReceipt) -> tenancy_pb2.ErasureReceipt:
    return tenancy_pb2.ErasureReceipt(
        receipt_id=str(value.receipt_id),
        organization_id=str(value.organization_id),
        space_id=str(value.space_id) if value.space_id else "",
        counts=value.counts,
        create_time=timestamp(value.create_time),
        finish_time=timestamp(value.finish_time) if value.finish_time else None,
    )
