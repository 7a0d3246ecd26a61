"""What a space holds: settings, documents, conversations and runs."""

import json
from uuid import UUID

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
from isolation.rows import LATER, NOW, Connection, digest_of, insert
from isolation.world import Organization, Space, new_id


async def content_of(connection: "Connection", its: Space, owner: Organization) -> None:
    word, space = its.content, its.space
    settings = {
        "brand_voice": {"tone": word, "terms_to_use": [word]},
        "facts": {"market": word},
        "web_hosts": ["shop.example"],
    }
    for version in (1, 2):
        await insert(
            connection,
            "space_settings",
            space_id=space,
            version=version,
            settings=json.dumps(settings),
            editor=owner.owner,
        )
    await _document(connection, its)
    await insert(
        connection,
        "conversations",
        space_id=space,
        conversation_id=its.conversation,
        title=word,
        create_time=NOW,
    )
    await insert(
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
        await insert(
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
        await insert(
            connection,
            "documents",
            space_id=its.space,
            document_id=document,
            filename=filename,
            title=f"What we sell {its.content}",
            media_type="text/markdown",
            collection="general",
            size_bytes=100,
            content_sha256=digest_of(its.document).hex(),
            state="ready",
            chunk_count=1,
            page_count=1,
            create_time=NOW,
            warnings=[f"Left out of it: {its.content}"],
            # No upkeep looks at pictures while others try to.
            picture_count=0,
        )
    await insert(
        connection,
        "document_findings",
        space_id=its.space,
        document_id=its.document,
        ordinal=0,
        kind="white",
        content=f"White on white: {its.content}",
    )
    await insert(
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
    await insert(
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
    await insert(
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
        await insert(
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
    await insert(
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
    await insert(
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
