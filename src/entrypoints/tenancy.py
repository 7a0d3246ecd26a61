"""What TenancyService and MemberService stand on, wired."""

from collections.abc import Sequence
from dataclasses import dataclass

from adapters.postgres.client_store import PostgresClientStore
from adapters.postgres.erasure_store import PostgresErasureStore
from adapters.postgres.invitation_store import PostgresInvitationStore
from adapters.postgres.member_store import PostgresMemberStore
from adapters.postgres.pool import Pool
from adapters.postgres.settings_store import PostgresSettingsStore
from adapters.postgres.tenancy_store import PostgresTenancyStore
from adapters.postgres.tenant_directory import PostgresTenantDirectory
from application.auth.authority import AuthorityWatch
from application.ports.blob_store import BlobStore
from application.ports.clock import Clock
from application.ports.context_cache import ContextCache
from application.ports.entropy import Entropy
from application.ports.jobs import Jobs
from application.tenancy.clients import ManageClients
from application.tenancy.erase import EraseTenant
from application.tenancy.invitations import ManageInvitations
from application.tenancy.manage import ManageTenancy
from application.tenancy.members import ManageMembers
from application.tenancy.settings import ManageSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenancy:
    """The use cases behind both services."""

    manage: ManageTenancy
    settings: ManageSettings
    members: ManageMembers
    invitations: ManageInvitations
    clients: ManageClients
    erase: EraseTenant


def build_tenancy(
    *,
    pool: Pool,
    blobs: BlobStore,
    jobs: Jobs,
    caches: Sequence[ContextCache],
    authority: AuthorityWatch,
    clock: Clock,
    entropy: Entropy,
) -> Tenancy:
    """The use cases, wired. `caches` are those of standings in spaces."""
    tenancy, clients = PostgresTenancyStore(pool), PostgresClientStore(pool)
    settle = authority.settle
    return Tenancy(
        manage=ManageTenancy(
            tenancy=tenancy,
            directory=PostgresTenantDirectory(pool),
            clients=clients,
            settle=settle,
            clock=clock,
            entropy=entropy,
        ),
        settings=ManageSettings(PostgresSettingsStore(pool)),
        members=ManageMembers(members=PostgresMemberStore(pool), tenancy=tenancy, settle=settle),
        invitations=ManageInvitations(
            invitations=PostgresInvitationStore(pool),
            tenancy=tenancy,
            clock=clock,
            entropy=entropy,
        ),
        clients=ManageClients(
            clients=clients, tenancy=tenancy, settle=settle, clock=clock, entropy=entropy
        ),
        erase=EraseTenant(
            erasures=PostgresErasureStore(pool),
            tenancy=tenancy,
            blobs=blobs,
            jobs=jobs,
            caches=caches,
            settle=settle,
            clock=clock,
            entropy=entropy,
        ),
    )
