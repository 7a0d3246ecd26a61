"""`obelisk spaces`, and which space a command means when none is named."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from rich.table import Table
from rich.text import Text

from domain.errors import InvalidInput
from entrypoints.cli.terminal import console
from entrypoints.cli.tokens import local_tokens
from entrypoints.settings import Settings
from obelisk.client import ObeliskClient
from obelisk.v1 import tenancy_pb2


@asynccontextmanager
async def client(settings: Settings, server: str) -> AsyncGenerator[ObeliskClient]:
    """A client of the local operator, whose token is renewed before it ends."""
    async with (
        local_tokens(settings, server) as token,
        ObeliskClient(server, token=token) as obelisk,
    ):
        yield obelisk


async def spaces(
    settings: Settings, server: str, create: str | None, organization: str | None
) -> None:
    """Print a table of the caller's spaces, after creating one if asked to."""
    async with client(settings, server) as obelisk:
        if create:
            home = await organization_named(obelisk, organization or create)
            await space_named(obelisk, home, create)
        table = Table("Organization", "Space", "Space id", box=None)
        for owner, space in await all_spaces(obelisk):
            table.add_row(Text(owner.display_name), Text(space.display_name), space.space_id)
        console.print(table)


async def enter(obelisk: ObeliskClient, space: str | None) -> None:
    """Use the named space, or the only one that the caller has.

    Raises InvalidInput when there is none, or more than one to choose from.
    """
    if space is None:
        found = await all_spaces(obelisk)
        if not found:
            raise InvalidInput("you have no space yet: obelisk spaces --create NAME")
        if len(found) > 1:
            names = ", ".join(f"{s.display_name} ({s.space_id})" for _, s in found)
            raise InvalidInput(f"name one of your spaces with --space: {names}")
        space = found[0][1].space_id
    obelisk.space_id = space


async def all_spaces(
    obelisk: ObeliskClient,
) -> list[tuple[tenancy_pb2.Organization, tenancy_pb2.Space]]:
    """The caller's spaces with their organizations, oldest first."""
    listed = await obelisk.tenancy.ListOrganizations(
        tenancy_pb2.ListOrganizationsRequest(), metadata=obelisk.metadata
    )
    found = []
    for organization in listed.organizations:
        request = tenancy_pb2.ListSpacesRequest(organization_id=organization.organization_id)
        answer = await obelisk.tenancy.ListSpaces(request, metadata=obelisk.metadata)
        found += [(organization, space) for space in answer.spaces]
    return found


async def organization_named(obelisk: ObeliskClient, name: str) -> tenancy_pb2.Organization:
    """The caller's organization of this name; created when there is none."""
    listed = await obelisk.tenancy.ListOrganizations(
        tenancy_pb2.ListOrganizationsRequest(), metadata=obelisk.metadata
    )
    for organization in listed.organizations:
        if organization.display_name == name:
            return organization
    request = tenancy_pb2.CreateOrganizationRequest(display_name=name)
    created = await obelisk.tenancy.CreateOrganization(request, metadata=obelisk.metadata)
    return created.organization


async def space_named(
    obelisk: ObeliskClient, organization: tenancy_pb2.Organization, name: str
) -> tenancy_pb2.Space:
    """The organization's space of this name; created when there is none."""
    home = organization.organization_id
    listed = await obelisk.tenancy.ListSpaces(
        tenancy_pb2.ListSpacesRequest(organization_id=home), metadata=obelisk.metadata
    )
    for space in listed.spaces:
        if space.display_name == name:
            return space
    request = tenancy_pb2.CreateSpaceRequest(organization_id=home, display_name=name)
    created = await obelisk.tenancy.CreateSpace(request, metadata=obelisk.metadata)
    return created.space
