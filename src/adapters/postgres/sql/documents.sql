-- lock_name: files of one name are counted one after the other
select pg_advisory_xact_lock(hashtextextended($1::uuid::text || $2::text, 11));

-- same: the newest document of a name that has not failed, if it holds the same bytes for the same use
select space_id, document_id, filename, title, media_type, collection, size_bytes, content_sha256, state,
       chunk_count, page_count, failure, create_time, update_time, version, stage_done, stage_total, retries,
       fence, warnings
from (select * from obelisk.documents
      where space_id = $1 and filename = $2 and state <> 'failed'
      order by version desc limit 1) d
where content_sha256 = $3 and collection = $4 and (state <> 'ready' or (
  d.visual_model = coalesce($6, d.visual_model) and exists (
    select from obelisk.chunks c
    join obelisk.chunk_vectors v on v.space_id = c.space_id and v.chunk_id = c.chunk_id and v.model = $5
    where c.space_id = $1 and c.document_id = d.document_id)));

-- add: a new document, the next version of its name
insert into obelisk.documents (space_id, document_id, filename, title, media_type, collection,
                               size_bytes, content_sha256, state, create_time, update_time, version)
select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10, coalesce(max(version), 0) + 1
from obelisk.documents where space_id = $1 and filename = $3
returning version;

-- get: one document
select space_id, document_id, filename, title, media_type, collection, size_bytes, content_sha256, state,
       chunk_count, page_count, failure, create_time, update_time, version, stage_done, stage_total, retries,
       fence, warnings
from obelisk.documents where space_id = $1 and document_id = $2;

-- list: newest first, after a key
select space_id, document_id, filename, title, media_type, collection, size_bytes, content_sha256, state,
       chunk_count, page_count, failure, create_time, update_time, version, stage_done, stage_total, retries,
       fence, warnings
from obelisk.documents
where space_id = $1 and ($2::uuid is null or document_id < $2)
order by document_id desc limit $3;

-- move: how far the ingestion has come
update obelisk.documents
set state = $3, failure = $4, stage_done = $5, stage_total = $6, retry_time = $7, update_time = now(),
    attempts = case when $7::timestamptz is null then attempts else greatest(attempts - 1, 0) end,
    retries = retries + ($7::timestamptz is not null)::integer,
    worker_id = case when $7::timestamptz is null then worker_id end
where space_id = $1 and document_id = $2 and fence = $8;

-- exists: whether there is such a document
select true from obelisk.documents where space_id = $1 and document_id = $2;

-- hold_space: the space stays while its passages change
select obelisk.hold_space($1);

-- ready: the document is searchable
update obelisk.documents
set state = 'ready', failure = '', title = $3, chunk_count = $4, page_count = $5, language = $6,
    visual_model = $7, warnings = $9, text_sha256 = $10, picture_count = $11,
    look_model = '', looks = 0, look_delays = 0, look_time = null,
    stage_done = 0, stage_total = 0, retry_time = null, update_time = now()
where space_id = $1 and document_id = $2 and fence = $8
returning version;

-- clear: passages of an earlier attempt
delete from obelisk.chunks where space_id = $1 and document_id = $2;

-- add_chunks: all passages of a document, with the words that they are found by; its names do not make them longer
insert into obelisk.chunks (space_id, chunk_id, document_id, ordinal, kind, collection,
                            section_path, page, content, token_count, span_start, span_end, words)
select $1, c.chunk_id, $2, c.ordinal, c.kind, $3,
       (select coalesce(array_agg(h), '{}') from json_array_elements_text(c.headings::json) h),
       c.page, c.content, c.token_count, c.span_start, c.span_end,
       to_tsvector($14::text::regconfig, c.headed) || strip(to_tsvector($14::text::regconfig, $15))
from unnest($4::uuid[], $5::integer[], $6::text[], $7::text[], $8::integer[], $9::text[],
            $10::integer[], $11::text[], $12::integer[], $13::integer[])
  as c (chunk_id, ordinal, kind, headings, page, content, token_count, headed, span_start, span_end);

-- add_vectors: their vectors
insert into obelisk.chunk_vectors (space_id, model, chunk_id, collection, embedding)
select $1, $2, v.chunk_id, $3, v.embedding
from unnest($4::uuid[], $5::halfvec[]) as v (chunk_id, embedding);

-- clear_findings: what an earlier attempt had found hidden
delete from obelisk.document_findings where space_id = $1 and document_id = $2;

-- add_findings: hidden texts, in their order; nobody has decided on them
insert into obelisk.document_findings (space_id, document_id, ordinal, kind, page, content)
select $1, $2, f.ordinal - 1, f.kind, f.page, f.content
from unnest($3::text[], $4::integer[], $5::text[]) with ordinality
  as f (kind, page, content, ordinal);

-- replace: older versions of the same name go
delete from obelisk.documents
where space_id = $1 and filename = $2 and version < $3
returning document_id;

-- delete: the document, and by its foreign keys its passages and vectors
delete from obelisk.documents where space_id = $1 and document_id = $2;
