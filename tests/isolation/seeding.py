"""Writes the world into an empty database as its superuser: rows of every tenant, everywhere."""

import json

from isolation.contents import content_of
from isolation.rows import LATER, NOW, Connection, digest_of, insert
from isolation.snapshot import TABLES
from isolation.world import Organization, Space, World, new_id

# Tables that hold nothing of any tenant, each with the reason.
OF_NOBODY = {
    "embedding_models": "which embedding model serves the installation",
    "oidc_flows": "a sign-in that has begun; nobody is known yet",
    "signing_keys": "the installation's own",
    "workers": "processes of the installation",
}


class Unseeded(Exception):
    """A table that the world says nothing about would be watched in vain."""


async def seed(connection: "Connection", world: World) -> None:
    """Raises Unseeded when a table of the schema got no row."""
    for organization in (world.victim, world.other):
        await _organization(connection, organization)
    for space, owner in (
        (world.home, world.victim),
        (world.beside, world.victim),
        (world.elsewhere, world.other),
    ):
        await _space(connection, space, owner)
    await _people(connection, world)
    for space, owner in (
        (world.home, world.victim),
        (world.beside, world.victim),
        (world.elsewhere, world.other),
    ):
        await content_of(connection, space, owner)
    await _check(connection)


async def _organization(connection: "Connection", its: Organization) -> None:
    organization = its.organization
    await insert(
        connection,
        "organizations",
        organization_id=organization,
        display_name=f"Company {its.public}",
        create_time=NOW,
    )
    await insert(
        connection,
        "service_clients",
        organization_id=organization,
        client_id=its.client,
        display_name=f"Service {its.public}",
        secret_hash=digest_of(its.client),
        create_time=NOW,
    )
    await insert(
        connection,
        "invitations",
        organization_id=organization,
        invitation_id=its.invitation,
        email=f"{its.private}@example.org",
        role="editor",
        space_roles="{}",
        token_hash=digest_of(its.invitation),
        inviter=its.owner,
        create_time=NOW,
        expire_time=LATER,
    )
    await insert(
        connection,
        "audit_events",
        audit_id=its.audit,
        organization_id=organization,
        actor=its.owner,
        action="/obelisk.v1.MemberService/SetMember",
        objects=json.dumps({"user_id": its.private}),
        address=its.private,
        correlation_id=its.private,
        outcome="OK",
        create_time=NOW,
    )
    await insert(
        connection,
        "erasure_receipts",
        receipt_id=its.receipt,
        organization_id=organization,
        space_id=new_id(),
        spaces=[new_id()],
        requester=its.owner,
        counts=json.dumps({its.private: 7}),
        create_time=NOW,
        finish_time=NOW,
    )


async def _people(connection: "Connection", world: World) -> None:
    for user, word in world.people():
        await insert(
            connection,
            "users",
            user_id=user,
            email=f"{word}@example.org",
            display_name=f"Somebody {word}",
            create_time=NOW,
        )
    for its in (world.victim, world.other):
        await insert(
            connection, "oidc_identities", provider="none", subject=its.private, user_id=its.owner
        )
        await insert(
            connection,
            "sessions",
            session_id=its.session,
            user_id=its.owner,
            organization_id=its.organization,
            address=its.private,
            user_agent=its.private,
            create_time=NOW,
            expire_time=LATER,
        )
        await insert(
            connection,
            "refresh_tokens",
            token_hash=digest_of(its.session),
            session_id=its.session,
            expire_time=LATER,
        )
    for user, organization, role, spaces in world.members:
        await insert(
            connection,
            "organization_members",
            organization_id=organization,
            user_id=user,
            role=role,
        )
        for space, its_role in spaces.items():
            await insert(
                connection,
                "space_members",
                space_id=space,
                organization_id=organization,
                user_id=user,
                role=its_role,
            )


async def _space(connection: "Connection", its: Space, owner: Organization) -> None:
    await insert(
        connection,
        "spaces",
        space_id=its.space,
        organization_id=owner.organization,
        display_name=f"Space {its.content}",
        create_time=NOW,
    )


async def _check(connection: "Connection") -> None:
    for table in [row["name"] for row in await connection.fetch(TABLES)]:
        seeded = await connection.fetchval(f"select exists (select from obelisk.{table})")
        if seeded == (table in OF_NOBODY):
            where = (
                "seed it in isolation/seeding.py or contents.py, or say in the first whose it is"
            )
            raise Unseeded(f"{table}: {where}")
