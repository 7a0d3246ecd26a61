"""TenancyService on the wire."""

from application.tenancy.erase import EraseTenant
from application.tenancy.manage import ManageTenancy
from application.tenancy.settings import ManageSettings
from domain.identifiers import OrganizationId, ReceiptId
from domain.paging import numbered_page_request
from entrypoints.grpc import convert, convert_tenancy
from entrypoints.grpc.call import request_context
from entrypoints.grpc.interceptors.chain import Context
from entrypoints.grpc.parse import settings_of, uuid_of
from obelisk.v1 import tenancy_pb2 as pb
from obelisk.v1 import tenancy_pb2_grpc


class TenancyService(tenancy_pb2_grpc.TenancyServiceServicer):
    def __init__(
        self, *, tenancy: ManageTenancy, settings: ManageSettings, erase: EraseTenant
    ) -> None:
        self._tenancy = tenancy
        self._settings = settings
        self._erase = erase

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
        found = await self._settings.get(request_context())
        return pb.GetSpaceSettingsResponse(settings=convert.settings(found))

    async def UpdateSpaceSettings(
        self, request: pb.UpdateSpaceSettingsRequest, context: Context
    ) -> pb.UpdateSpaceSettingsResponse:
        updated = await self._settings.update(
            request_context(), settings=settings_of(request.settings)
        )
        return pb.UpdateSpaceSettingsResponse(settings=convert.settings(updated))

    async def ListSpaceSettingsVersions(
        self, request: pb.ListSpaceSettingsVersionsRequest, context: Context
    ) -> pb.ListSpaceSettingsVersionsResponse:
        found = await self._settings.history(
            request_context(), page=numbered_page_request(request.page_size, request.page_token)
        )
        return pb.ListSpaceSettingsVersionsResponse(
            versions=[convert_tenancy.settings_version(item) for item in found.versions],
            next_page_token=str(found.next_before or ""),
        )

    async def UpdateOrganization(
        self, request: pb.UpdateOrganizationRequest, context: Context
    ) -> pb.UpdateOrganizationResponse:
        updated = await self._tenancy.update_organization(
            request_context(),
            organization_id=_organization(request.organization_id),
            display_name=request.display_name,
        )
        return pb.UpdateOrganizationResponse(organization=convert.organization(updated))

    async def DeleteOrganization(
        self, request: pb.DeleteOrganizationRequest, context: Context
    ) -> pb.DeleteOrganizationResponse:
        receipt = await self._erase.organization(
            request_context(), _organization(request.organization_id)
        )
        return pb.DeleteOrganizationResponse(receipt=convert_tenancy.receipt(receipt))

    async def UpdateSpace(
        self, request: pb.UpdateSpaceRequest, context: Context
    ) -> pb.UpdateSpaceResponse:
        updated = await self._tenancy.update_space(
            request_context(), display_name=request.display_name
        )
        return pb.UpdateSpaceResponse(space=convert.space(updated))

    async def DeleteSpace(
        self, request: pb.DeleteSpaceRequest, context: Context
    ) -> pb.DeleteSpaceResponse:
        receipt = await self._erase.space(request_context())
        return pb.DeleteSpaceResponse(receipt=convert_tenancy.receipt(receipt))

    async def GetErasureReceipt(
        self, request: pb.GetErasureReceiptRequest, context: Context
    ) -> pb.GetErasureReceiptResponse:
        receipt = await self._erase.receipt(
            request_context(), ReceiptId(uuid_of(request.receipt_id, "receipt_id"))
        )
        return pb.GetErasureReceiptResponse(receipt=convert_tenancy.receipt(receipt))


def _organization(text: str) -> OrganizationId:
    return OrganizationId(uuid_of(text, "organization_id"))
