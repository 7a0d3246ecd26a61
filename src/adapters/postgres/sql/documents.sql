-- add: a new document
insert into obelisk.documents (space_id, document_id, filename, title, media_type, collection,
                               size_bytes, content_sha256, state, create_time, update_time)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10);

-- get: one document
select space_id, document_id, filename, title, media_type, collection, size_bytes, content_sha256, state,
       chunk_count, page_count, failure, create_time, update_time
from obelisk.documents where space_id = $1 and document_id = $2;

-- list: newest first, after a key
select space_id, document_id, filename, title, media_type, collection, size_bytes, content_sha256, state,
       chunk_count, page_count, failure, create_time, update_time
from obelisk.documents
where space_id = $1 and ($2::uuid is null or document_id < $2)
order by document_id desc limit $3;

-- move: how far the ingestion has come
update obelisk.documents set state = $3, failure = $4, update_time = now()
where space_id = $1 and document_id = $2;

-- ready: the document is searchable
update obelisk.documents
set state = 'ready', failure = '', title = $3, chunk_count = $4, page_count = $5,
    update_time = now()
where space_id = $1 and document_id = $2;

-- clear: passages of an earlier attempt
delete from obelisk.chunks where space_id = $1 and document_id = $2;

-- add_chunks: all passages of a document, with the words that they are found by
insert into obelisk.chunks (space_id, chunk_id, document_id, ordinal, kind, collection,
                            section_path, page, content, token_count, words)
select $1, c.chunk_id, $2, c.ordinal, c.kind, $3,
       (select coalesce(array_agg(h), '{}') from json_array_elements_text(c.headings::json) h),
       c.page, c.content, c.token_count, to_tsvector('english', c.headed)
from unnest($4::uuid[], $5::integer[], $6::text[], $7::text[], $8::integer[], $9::text[],
            $10::integer[], $11::text[])
  as c (chunk_id, ordinal, kind, headings, page, content, token_count, headed);

-- add_vectors: their vectors
insert into obelisk.chunk_vectors (space_id, model, chunk_id, collection, embedding)
select $1, $2, v.chunk_id, $3, v.embedding
from unnest($4::uuid[], $5::halfvec[]) as v (chunk_id, embedding);

-- replace: older documents of the same name go
delete from obelisk.documents
where space_id = $1 and filename = $2 and document_id < $3
returning document_id;

-- delete: the document, and by its foreign keys its passages and vectors
delete from obelisk.documents where space_id = $1 and document_id = $2;
