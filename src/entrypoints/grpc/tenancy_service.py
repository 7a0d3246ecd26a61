"""TenancyService on the wire."""

from application.tenancy.manage import ManageTenancy
from domain.identifiers import OrganizationId
from entrypoints.grpc import convert
from entrypoints.grpc.call import request_context
from entrypoints.grpc.interceptors.chain import Context
from entrypoints.grpc.parse import settings_of, uuid_of
from obelisk.v1 import tenancy_pb2 as pb
from obelisk.v1 import tenancy_pb2_grpc


class TenancyService(tenancy_pb2_grpc.TenancyServiceServicer):
    def __init__(self, tenancy: ManageTenancy) -> None:
        self._tenancy = tenancy

    async def CreateOrganization(
        self, request: pb.CreateOrganizationRequest, context: Context
    ) -> pb.CreateOrganizationResponse:
        created = await self._tenancy.create_organization(
            request_context(), display_name=request.display_name
        )
        return pb.CreateOrganizationResponse(organization=convert.organization(created))

    async def ListOrganizations(
        self, request: pb.ListOrganizationsRequest, context: Context
    ) -> pb.ListOrganizationsResponse:
        found = await self._tenancy.list_organizations(request_context())
        return pb.ListOrganizationsResponse(
            organizations=[convert.organization(item) for item in found]
        )

    async def CreateSpace(
        self, request: pb.CreateSpaceRequest, context: Context
    ) -> pb.CreateSpaceResponse:
        created = await self._tenancy.create_space(
            request_context(),
            organization_id=_organization(request.organization_id),
            display_name=request.display_name,
        )
        return pb.CreateSpaceResponse(space=convert.space(created))

    async def ListSpaces(
        self, request: pb.ListSpacesRequest, context: Context
    ) -> pb.ListSpacesResponse:
        found = await self._tenancy.list_spaces(
            request_context(), organization_id=_organization(request.organization_id)
        )
        return pb.ListSpacesResponse(spaces=[convert.space(item) for item in found])

    async def GetSpaceSettings(
        self, request: pb.GetSpaceSettingsRequest, context: Context
    ) -> pb.GetSpaceSettingsResponse:
        found = await self._tenancy.get_settings(request_context())
        return pb.GetSpaceSettingsResponse(settings=convert.settings(found))

    async def UpdateSpaceSettings(
        self, request: pb.UpdateSpaceSettingsRequest, context: Context
    ) -> pb.UpdateSpaceSettingsResponse:
        updated = await self._tenancy.update_settings(
            request_context(), settings=settings_of(request.settings)
        )
        return pb.UpdateSpaceSettingsResponse(settings=convert.settings(updated))


def _organization(text: str) -> OrganizationId:
    return OrganizationId(uuid_of(text, "organization_id"))
