"""The wire contract is whole: every RPC, every event, every enum and every kind of error."""

import importlib
import re
from dataclasses import replace
from datetime import UTC, datetime
from enum import Enum
from typing import get_args
from uuid import UUID

import grpc
import pytest
from google.api import annotations_pb2  # type: ignore[import-untyped]  # no py.typed
from google.protobuf.descriptor import EnumDescriptor, MethodDescriptor
from google.protobuf.descriptor_pb2 import MethodOptions
from google.rpc import code_pb2  # type: ignore[import-untyped]  # no py.typed

from architecture.tree import SRC, python_files
from domain import errors
from domain.agents.chat import Role
from domain.conversations.conversation import Message
from domain.documents.document import Collection, Document, IngestState
from domain.documents.finding import Decision as FindingDecision
from domain.documents.media import MediaType
from domain.documents.structure import HiddenKind
from domain.errors import ObeliskError
from domain.identifiers import ConversationId, DocumentId, MessageId, RunId, SpaceId, UserId
from domain.runs.codec import decode_kind, encode_kind, kind_name
from domain.runs.event import EventKind, RunEvent, UsageRecorded
from domain.runs.pause import Decision
from domain.runs.run import Question, Run, RunState, TerminationReason
from entrypoints.grpc import convert, convert_documents
from entrypoints.grpc.convert_events import run_event
from entrypoints.grpc.errors import status_of
from entrypoints.grpc.parse import collection_of
from entrypoints.rest.errors import HTTP_STATUS
from fixtures.events import one_of_each
from obelisk.v1 import (
    agent_pb2,
    audit_pb2,
    auth_pb2,
    conversation_pb2,
    document_pb2,
    member_pb2,
    run_pb2,
    search_pb2,
    tenancy_pb2,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ID = UUID(int=1)
FILES = (
    agent_pb2,
    audit_pb2,
    auth_pb2,
    conversation_pb2,
    document_pb2,
    member_pb2,
    run_pb2,
    search_pb2,
    tenancy_pb2,
)
RPCS: dict[str, MethodDescriptor] = {
    f"/{service.full_name}/{method.name}": method
    for file in FILES
    for service in file.DESCRIPTOR.services_by_name.values()
    for method in service.methods
}
# The table of the house: a kind of error, its gRPC code, its HTTP status.
KINDS = {
    errors.InvalidInput: (grpc.StatusCode.INVALID_ARGUMENT, 400),
    errors.Unauthenticated: (grpc.StatusCode.UNAUTHENTICATED, 401),
    errors.PermissionDenied: (grpc.StatusCode.PERMISSION_DENIED, 403),
    errors.NotFound: (grpc.StatusCode.NOT_FOUND, 404),
    errors.AlreadyExists: (grpc.StatusCode.ALREADY_EXISTS, 409),
    errors.Conflict: (grpc.StatusCode.ABORTED, 409),
    errors.FailedPrecondition: (grpc.StatusCode.FAILED_PRECONDITION, 400),
    errors.OutOfRange: (grpc.StatusCode.OUT_OF_RANGE, 400),
    errors.QuotaExceeded: (grpc.StatusCode.RESOURCE_EXHAUSTED, 429),
    errors.Unavailable: (grpc.StatusCode.UNAVAILABLE, 503),
}
# Instructions are never a message of a conversation.
NOT_ON_THE_WIRE = {Role.SYSTEM}


def http_options(options: MethodOptions) -> list[str]:
    """The HTTP bindings of an RPC, as verb and path."""
    if not options.HasExtension(annotations_pb2.http):
        return []
    rule = options.Extensions[annotations_pb2.http]
    return [
        f"{bound.WhichOneof('pattern')} {getattr(bound, bound.WhichOneof('pattern'))}"
        for bound in (rule, *rule.additional_bindings)
    ]


def wire_names(enum: EnumDescriptor) -> set[str]:
    """The names of its values without their prefix, UNSPECIFIED aside."""
    (prefix,) = {
        value.name.removesuffix("UNSPECIFIED") for value in enum.values if value.number == 0
    }
    return {value.name.removeprefix(prefix) for value in enum.values if value.number != 0}


def names(kinds: type[Enum]) -> set[str]:
    return {value.name for value in kinds if value not in NOT_ON_THE_WIRE}


def kind_of(error: type[ObeliskError]) -> type[ObeliskError]:
    """Which of the ten kinds an error is of."""
    (kind,) = [kind for kind in KINDS if issubclass(error, kind)]
    return kind


def every_error() -> list[type[ObeliskError]]:
    """All errors that any module of ours defines."""
    for path in python_files():
        module = ".".join(path.relative_to(SRC).with_suffix("").parts)
        if not module.endswith(("__init__", ".child")):
            importlib.import_module(module)
    waiting, found = [ObeliskError], []
    while waiting:
        below = waiting.pop().__subclasses__()
        ours = [e for e in below if e.__module__.partition(".")[0] in OUR_PACKAGES]
        waiting += ours
        found += ours
    return found


OUR_PACKAGES = ("domain", "application", "adapters", "entrypoints")


def _run(state: RunState, reason: TerminationReason | None) -> Run:
    return Run(
        run_id=RunId(ID),
        space_id=SpaceId(ID),
        user_id=UserId(ID),
        question=Question(agent="seo", text="Why?"),
        state=state,
        termination_reason=reason,
        last_sequence=1,
        fence=0,
        cancel_requested=False,
        create_time=NOW,
        end_time=None,
    )


def _document(collection: Collection, state: IngestState) -> Document:
    return Document(
        document_id=DocumentId(ID),
        space_id=SpaceId(ID),
        filename="a.md",
        title="A",
        media_type=MediaType.MARKDOWN,
        collection=collection,
        size_bytes=1,
        content_sha256="0" * 64,
        state=state,
        chunk_count=0,
        page_count=0,
        failure="",
        create_time=NOW,
        update_time=NOW,
    )


def _message(role: Role) -> Message:
    return Message(
        message_id=MessageId(ID),
        conversation_id=ConversationId(ID),
        run_id=RunId(ID),
        role=role,
        content="",
        create_time=NOW,
    )


def _countable(kind: EventKind) -> EventKind:
    """With no more tokens than the wire can count: 2**31."""
    return replace(kind, prompt_tokens=1) if isinstance(kind, UsageRecorded) else kind


@pytest.mark.parametrize("name", RPCS)
def test_every_rpc_has_an_http_path(name: str) -> None:
    assert http_options(RPCS[name].GetOptions())


def test_no_two_rpcs_share_an_http_path() -> None:
    paths = [path for method in RPCS.values() for path in http_options(method.GetOptions())]
    assert sorted(paths) == sorted(set(paths))


@pytest.mark.parametrize(
    ("wire", "ours"),
    [
        (run_pb2.RunState.DESCRIPTOR, RunState),
        (run_pb2.TerminationReason.DESCRIPTOR, TerminationReason),
        (run_pb2.Decision.DESCRIPTOR, Decision),
        (document_pb2.Collection.DESCRIPTOR, Collection),
        (document_pb2.IngestState.DESCRIPTOR, IngestState),
        (document_pb2.HiddenKind.DESCRIPTOR, HiddenKind),
        (document_pb2.FindingDecision.DESCRIPTOR, FindingDecision),
        (conversation_pb2.MessageRole.DESCRIPTOR, Role),
    ],
)
def test_an_enum_has_the_same_values_here_and_on_the_wire(
    wire: EnumDescriptor, ours: type[Enum]
) -> None:
    assert wire_names(wire) == names(ours)


@pytest.mark.parametrize("state", RunState)
def test_a_run_state_keeps_its_name(state: RunState) -> None:
    sent = convert.run(_run(state, None)).state
    assert run_pb2.RunState.Name(sent) == f"RUN_STATE_{state.name}"


@pytest.mark.parametrize("reason", TerminationReason)
def test_a_termination_reason_keeps_its_name(reason: TerminationReason) -> None:
    name = f"TERMINATION_REASON_{reason.name}"
    assert run_pb2.TerminationReason.Name(convert.termination_reason(reason)) == name
    sent = convert.run(_run(RunState.ENDED, reason)).termination_reason
    assert run_pb2.TerminationReason.Name(sent) == name


@pytest.mark.parametrize("collection", Collection)
def test_a_collection_comes_back_as_it_went(collection: Collection) -> None:
    sent = convert_documents.document(_document(collection, IngestState.READY)).collection
    assert document_pb2.Collection.Name(sent) == f"COLLECTION_{collection.name}"
    assert collection_of(sent) is collection


@pytest.mark.parametrize("state", IngestState)
def test_an_ingest_state_keeps_its_name(state: IngestState) -> None:
    sent = convert_documents.document(_document(Collection.WEB, state)).state
    assert document_pb2.IngestState.Name(sent) == f"INGEST_STATE_{state.name}"


@pytest.mark.parametrize("role", [role for role in Role if role not in NOT_ON_THE_WIRE])
def test_a_role_keeps_its_name(role: Role) -> None:
    sent = convert.message(_message(role)).role
    assert conversation_pb2.MessageRole.Name(sent) == f"MESSAGE_ROLE_{role.name}"


def test_there_is_a_sample_of_every_event() -> None:
    assert {type(kind) for kind in one_of_each()} == set(get_args(EventKind))


def test_every_event_has_a_form_of_its_own_on_the_wire() -> None:
    sent = {
        type(kind): run_event(RunEvent(sequence=1, create_time=NOW, kind=kind)).WhichOneof("kind")
        for kind in map(_countable, one_of_each())
    }
    fields = {field.name for field in run_pb2.RunEvent.DESCRIPTOR.oneofs_by_name["kind"].fields}
    assert set(sent.values()) == fields
    assert len(fields) == len(sent)


def test_every_event_has_a_name_of_its_own_in_the_log_and_comes_back() -> None:
    stored = {type(kind): kind_name(kind) for kind in one_of_each()}
    assert len(set(stored.values())) == len(stored)
    for kind in one_of_each():
        assert decode_kind(kind_name(kind), encode_kind(kind)) == kind


def test_there_are_ten_kinds_of_error() -> None:
    assert set(KINDS) == {
        error for error in ObeliskError.__subclasses__() if error.__module__ == errors.__name__
    }
    assert len(KINDS) == 10


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_kind_of_error_has_its_code_and_its_status(kind: type[ObeliskError]) -> None:
    code, http = KINDS[kind]
    sent = status_of(kind("what was wrong"), "correlation")
    assert sent.code is code
    assert HTTP_STATUS[code] == http


def test_every_error_is_of_exactly_one_kind() -> None:
    leaves = [error for error in every_error() if error not in KINDS]
    assert leaves
    assert {kind_of(error) for error in leaves} <= set(KINDS)


def test_a_reason_means_one_error() -> None:
    # Adapters never import one another: two of a port define the same error, alike.
    meanings: dict[str, set[tuple[str, str]]] = {}
    for error in every_error():
        meaning = error.__name__, kind_of(error).__name__
        meanings.setdefault(error.reason, set()).add(meaning)
    assert {reason: who for reason, who in meanings.items() if len(who) > 1} == {}
    assert [reason for reason in meanings if not re.fullmatch(r"[A-Z]+(_[A-Z]+)*", reason)] == []


def test_the_check_finds_an_rpc_without_a_path() -> None:
    assert http_options(MethodOptions()) == []


def test_the_check_finds_an_enum_that_differs() -> None:
    class Shorter(Enum):
        QUEUED = 1

    assert wire_names(run_pb2.RunState.DESCRIPTOR) != names(Shorter)


def test_the_check_finds_an_error_of_no_kind() -> None:
    class Stray(ObeliskError):
        """Hangs on the root."""

    with pytest.raises(ValueError, match="not enough values"):
        kind_of(Stray)
    assert status_of(Stray("x"), "c").code is grpc.StatusCode.UNKNOWN
    assert grpc.StatusCode.UNKNOWN.value[0] == code_pb2.UNKNOWN
