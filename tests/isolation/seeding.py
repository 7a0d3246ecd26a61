"""Writes the world into an empty database as its superuser: rows of every tenant, everywhere."""

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, TypeAlias
from uuid import UUID

import asyncpg

from adapters.memory.hash_embedder import HashEmbedder
from domain.identifiers import ChunkId, DocumentId, RunId
from domain.runs.codec import encode_kind, kind_name
from domain.runs.event import (
    EVENT_VERSION,
    Drafted,
    EventKind,
    RunCompleted,
    RunQueued,
    RunStarted,
    Source,
    SourcesRetrieved,
    TokenBatch,
)
from domain.runs.run import TerminationReason
from isolation.kinds import TEXTS
from isolation.snapshot import TABLES
from isolation.world import Organization, Space, World, new_id

if TYPE_CHECKING:
    Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

NOW = datetime.now(UTC).replace(microsecond=0)
LATER = NOW + timedelta(days=7)
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
        await _content(connection, space, owner)
    await _check(connection)


async def _insert(connection: "Connection", table: str, **values: object) -> None:
    numbers = ", ".join(f"${n}" for n in range(1, len(values) + 1))
    await connection.execute(
        f"insert into obelisk.{table} ({', '.join(values)}) values ({numbers})", *values.values()
    )


async def _organization(connection: "Connection", its: Organization) -> None:
    organization = its.organization
    await _insert(
        connection,
        "organizations",
        organization_id=organization,
        display_name=f"Company {its.public}",
        create_time=NOW,
    )
    await _insert(
        connection,
        "service_clients",
        organization_id=organization,
        client_id=its.client,
        display_name=f"Service {its.public}",
        secret_hash=_hash(its.client),
        create_time=NOW,
    )
    await _insert(
        connection,
        "invitations",
        organization_id=organization,
        invitation_id=its.invitation,
        email=f"{its.private}@example.org",
        role="editor",
        space_roles="{}",
        token_hash=_hash(its.invitation),
        inviter=its.owner,
        create_time=NOW,
        expire_time=LATER,
    )
    await _insert(
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
    await _insert(
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
        await _insert(
            connection,
            "users",
            user_id=user,
            email=f"{word}@example.org",
            display_name=f"Somebody {word}",
            create_time=NOW,
        )
    for its in (world.victim, world.other):
        await _insert(
            connection, "oidc_identities", provider="none", subject=its.private, user_id=its.owner
        )
        await _insert(
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
        await _insert(
            connection,
            "refresh_tokens",
            token_hash=_hash(its.session),
            session_id=its.session,
            expire_time=LATER,
        )
    for user, organization, role, spaces in world.members:
        await _insert(
            connection,
            "organization_members",
            organization_id=organization,
            user_id=user,
            role=role,
        )
        for space, its_role in spaces.items():
            await _insert(
                connection,
                "space_members",
                space_id=space,
                organization_id=organization,
                user_id=user,
                role=its_role,
            )


async def _space(connection: "Connection", its: Space, owner: Organization) -> None:
    await _insert(
        connection,
        "spaces",
        space_id=its.space,
        organization_id=owner.organization,
        display_name=f"Space {its.content}",
        create_time=NOW,
    )


async def _content(connection: "Connection", its: Space, owner: Organization) -> None:
    word, space = its.content, its.space
    settings = {
        "brand_voice": {"tone": word, "terms_to_use": [word]},
        "facts": {"market": word},
        "web_hosts": ["shop.example"],
    }
    for version in (1, 2):
        await _insert(
            connection,
            "space_settings",
            space_id=space,
            version=version,
            settings=json.dumps(settings),
            editor=owner.owner,
        )
    await _document(connection, its)
    await _insert(
        connection,
        "conversations",
        space_id=space,
        conversation_id=its.conversation,
        title=word,
        create_time=NOW,
    )
    await _insert(
        connection,
        "conversation_summaries",
        space_id=space,
        conversation_id=its.conversation,
        version=1,
        content=f"They asked what we sell, {word}.",
        mark="0123456789abcdef",
        author="extract",
        last_run_id=UUID(int=0),
        last_turn=1,
        last_message_id=UUID(int=0),
    )
    await _run(connection, its, owner)
    await _paused(connection, its, owner)
    for message, role in ((its.message, "user"), (new_id(), "assistant")):
        await _insert(
            connection,
            "messages",
            space_id=space,
            conversation_id=its.conversation,
            message_id=message,
            run_id=its.run,
            role=role,
            content=f"We sell bags, {word}.",
            turn=1,
        )


async def _document(connection: "Connection", its: Space) -> None:
    # The second is named as what everybody uploads: it takes the place of one's own alone.
    for document, filename in ((its.document, f"{its.content}.md"), (new_id(), "mine.md")):
        await _insert(
            connection,
            "documents",
            space_id=its.space,
            document_id=document,
            filename=filename,
            title=f"What we sell {its.content}",
            media_type="text/markdown",
            collection="general",
            size_bytes=100,
            content_sha256=_hash(its.document).hex(),
            state="ready",
            chunk_count=1,
            page_count=1,
            create_time=NOW,
        )
    await _insert(
        connection,
        "document_findings",
        space_id=its.space,
        document_id=its.document,
        ordinal=0,
        kind="white",
        content=f"White on white: {its.content}",
    )
    await _insert(
        connection,
        "document_uploads",
        space_id=its.space,
        upload_id=its.upload,
        filename=f"sent-{its.content}.md",
        collection="general",
        size_bytes=6,
        create_time=NOW,
        expire_time=LATER,
    )
    text = f"We sell bags of canvas, says {its.content}."
    await connection.execute(
        "insert into obelisk.chunks (space_id, chunk_id, document_id, ordinal, kind, collection,"
        " section_path, content, token_count, words)"
        " values ($1, $2, $3, 0, 'prose', 'general', $4, $5, 8, to_tsvector('english', $5))",
        *(its.space, its.chunk, its.document, [its.content], text),
    )
    await _insert(
        connection,
        "vector_graphs",
        space_id=its.space,
        model="another",
        dimensions=3,
        index_name=its.content,
    )
    vector = list(await HashEmbedder().embed_query(text))
    await connection.execute(
        "insert into obelisk.chunk_vectors (space_id, model, chunk_id, collection, embedding)"
        " values ($1, $2, $3, 'general', $4::text::halfvec)",
        *(its.space, HashEmbedder().model.name, its.chunk, json.dumps(vector)),
    )
    await connection.execute(
        "insert into obelisk.picture_vectors (space_id, model, chunk_id, collection, embedding)"
        " values ($1, 'colours', $2, 'general', '[1,0,0,0,0,0,0,0]')",
        *(its.space, its.chunk),
    )


async def _run(connection: "Connection", its: Space, owner: Organization) -> None:
    events = _events(its)
    await _insert(
        connection,
        "runs",
        space_id=its.space,
        run_id=its.run,
        user_id=owner.owner,
        agent="brand",
        question=f"What about {its.content}?",
        conversation_id=its.conversation,
        document_ids=[its.document],
        request_id=its.request,
        fingerprint=its.content,
        state="ended",
        termination_reason="complete",
        last_sequence=len(events),
        fence=1,
        create_time=NOW,
        end_time=NOW,
    )
    for sequence, kind in enumerate(events, start=1):
        await _insert(
            connection,
            "run_events",
            space_id=its.space,
            run_id=its.run,
            sequence=sequence,
            kind=kind_name(kind),
            version=EVENT_VERSION,
            payload=encode_kind(kind),
            create_time=NOW,
        )


async def _paused(connection: "Connection", its: Space, owner: Organization) -> None:
    """A run that waits for a person, with what it remembers meanwhile."""
    await _insert(
        connection,
        "runs",
        space_id=its.space,
        run_id=its.paused,
        user_id=owner.owner,
        agent="brand",
        question=f"What else about {its.content}?",
        document_ids=[],
        fingerprint=its.content,
        state="paused",
        pause_id=TEXTS["pause_id"],
        pause_prompt=f"May this be said about {its.content}?",
        pause_time=NOW,
        require_approval=True,
        last_sequence=0,
        fence=1,
        create_time=NOW,
    )
    await _insert(
        connection,
        "run_journal",
        space_id=its.space,
        run_id=its.paused,
        kind="channel",
        scope="",
        key="draft",
        payload=f"A draft about {its.content}".encode(),
    )


def _events(its: Space) -> tuple[EventKind, ...]:
    source = Source(
        number=1,
        document_id=DocumentId(UUID(its.document)),
        chunk_id=ChunkId(UUID(its.chunk)),
        title=its.content,
        filename=f"{its.content}.md",
        section_path=(its.content,),
        page=None,
        text=f"We sell bags of canvas, says {its.content}.",
        streams=("semantic",),
    )
    text = f"Bags, {its.content}."
    return (
        RunQueued(run_id=RunId(UUID(its.run)), agent="brand"),
        RunStarted(chat_model=its.content, attempt=1),
        SourcesRetrieved(sources=(source,)),
        TokenBatch(text=text),
        Drafted(text=text, cited_sources=(1,)),
        RunCompleted(reason=TerminationReason.COMPLETE, detail=its.content),
    )


def _hash(of: str) -> bytes:
    return UUID(of).bytes * 2


async def _check(connection: "Connection") -> None:
    for table in [row["name"] for row in await connection.fetch(TABLES)]:
        seeded = await connection.fetchval(f"select exists (select from obelisk.{table})")
        if seeded == (table in OF_NOBODY):
            raise Unseeded(f"{table}: seed it in isolation/seeding.py, or say there whose it is")
