"""Every RPC of the contract is served, and is in exactly one class of what it asks of a caller."""

import pkgutil
from importlib import import_module

import pytest

import obelisk.v1
from entrypoints.grpc.interceptors.authentication import WITHOUT_SPACE, WITHOUT_TOKEN
from entrypoints.grpc.server import SERVICE_NAMES

# Written out here as well: whoever adds an RPC decides, and says so in two places.
IN_SPACE = {
    "/obelisk.v1.ConversationService/CreateConversation",
    "/obelisk.v1.ConversationService/DeleteConversation",
    "/obelisk.v1.ConversationService/GetConversation",
    "/obelisk.v1.ConversationService/ListConversations",
    "/obelisk.v1.ConversationService/ListMessages",
    "/obelisk.v1.ConversationService/PrepareConversation",
    "/obelisk.v1.ConversationService/UpdateConversation",
    "/obelisk.v1.DocumentService/AppendUpload",
    "/obelisk.v1.DocumentService/CancelUpload",
    "/obelisk.v1.DocumentService/DecideDocumentFinding",
    "/obelisk.v1.DocumentService/DeleteDocument",
    "/obelisk.v1.DocumentService/FinishUpload",
    "/obelisk.v1.DocumentService/GetDocument",
    "/obelisk.v1.DocumentService/GetUpload",
    "/obelisk.v1.DocumentService/ListDocumentFindings",
    "/obelisk.v1.DocumentService/ListDocuments",
    "/obelisk.v1.DocumentService/AddUrlDocument",
    "/obelisk.v1.DocumentService/StartUpload",
    "/obelisk.v1.DocumentService/UploadDocument",
    "/obelisk.v1.DocumentService/WatchDocument",
    "/obelisk.v1.MemberService/ListSpaceMembers",
    "/obelisk.v1.MemberService/RemoveSpaceMember",
    "/obelisk.v1.MemberService/SetSpaceMember",
    "/obelisk.v1.RunService/CancelRun",
    "/obelisk.v1.RunService/GetRun",
    "/obelisk.v1.RunService/ListRuns",
    "/obelisk.v1.RunService/ResumeRun",
    "/obelisk.v1.RunService/StartRun",
    "/obelisk.v1.RunService/WatchRun",
    "/obelisk.v1.SearchService/Search",
    "/obelisk.v1.TenancyService/DeleteSpace",
    "/obelisk.v1.TenancyService/GetSpaceSettings",
    "/obelisk.v1.TenancyService/ListSpaceSettingsVersions",
    "/obelisk.v1.TenancyService/UpdateSpace",
    "/obelisk.v1.TenancyService/UpdateSpaceSettings",
}
MODULES = sorted(
    found.name for found in pkgutil.iter_modules(obelisk.v1.__path__) if found.name.endswith("_pb2")
)


def services() -> dict[str, set[str]]:
    """The methods of every service of the contract, by the service's full name."""
    files = [import_module(f"obelisk.v1.{name}").DESCRIPTOR for name in MODULES]
    return {
        service.full_name: {method.name for method in service.methods}
        for file in files
        for service in file.services_by_name.values()
    }


def rpcs() -> set[str]:
    return {f"/{service}/{name}" for service, names in services().items() for name in names}


def misplaced(known: set[str], *classes: set[str] | frozenset[str]) -> dict[str, int]:
    """In how many classes each RPC is that is not in exactly one, or does not exist."""
    every = known.union(*classes)
    counts = {name: sum(name in one for one in classes) for name in every}
    return {name: n for name, n in counts.items() if n != 1 or name not in known}


def test_every_rpc_is_in_exactly_one_class() -> None:
    assert misplaced(rpcs(), WITHOUT_TOKEN, WITHOUT_SPACE, IN_SPACE) == {}


def test_every_service_of_the_contract_is_served() -> None:
    assert set(SERVICE_NAMES) == set(services())


def test_only_signing_in_asks_for_no_token() -> None:
    assert {name.split("/")[1] for name in WITHOUT_TOKEN} == {"obelisk.v1.AuthService"}


@pytest.mark.parametrize(
    ("classes", "told"),
    [
        (({"/a/A"}, {"/a/B"}), {}),
        (({"/a/A"}, set()), {"/a/B": 0}),
        (({"/a/A", "/a/B"}, {"/a/B"}), {"/a/B": 2}),
        (({"/a/A", "/a/C"}, {"/a/B"}), {"/a/C": 1}),
    ],
)
def test_the_check_finds_what_is_forgotten_doubled_or_gone(
    classes: tuple[set[str], set[str]], told: dict[str, int]
) -> None:
    assert misplaced({"/a/A", "/a/B"}, *classes) == told
