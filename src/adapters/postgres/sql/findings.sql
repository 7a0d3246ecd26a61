-- list: in their order, after an ordinal
select document_id, ordinal, kind, page, content, decision, decided_by, decide_time
from obelisk.document_findings
where space_id = $1 and document_id = $2 and ordinal > $3 order by ordinal limit $4;

-- get: one finding
select document_id, ordinal, kind, page, content, decision, decided_by, decide_time
from obelisk.document_findings where space_id = $1 and document_id = $2 and ordinal = $3;

-- document: whether there is such a document
select 1 from obelisk.documents where space_id = $1 and document_id = $2;

-- hold_space: the space stays while its passages change
select obelisk.hold_space($1);

-- lock_document: decisions on one document come one after the other
select space_id, document_id, filename, title, media_type, collection, size_bytes, content_sha256, state,
       chunk_count, page_count, failure, create_time, update_time, version, stage_done, stage_total, retries,
       fence, warnings
from obelisk.documents where space_id = $1 and document_id = $2 for no key update;

-- language: by whose rules the document's words are taken apart
select language from obelisk.documents where space_id = $1 and document_id = $2;

-- passages: those of a finding that was allowed
select chunk_ids from obelisk.document_findings
where space_id = $1 and document_id = $2 and ordinal = $3 and content = $4;

-- clear: they go
delete from obelisk.chunks where space_id = $1 and document_id = $2 and chunk_id = any ($3::uuid[]);

-- next_ordinal: of a passage after all others
select coalesce(max(ordinal), -1) + 1 from obelisk.chunks where space_id = $1 and document_id = $2;

-- decide: what somebody has decided, and the passages that come of it
update obelisk.document_findings
set decision = $4, decided_by = $5, decide_time = $6, chunk_ids = $7
where space_id = $1 and document_id = $2 and ordinal = $3;

-- count: how many passages the document has now
update obelisk.documents d
set chunk_count = (select count(*) from obelisk.chunks c
                   where c.space_id = d.space_id and c.document_id = d.document_id),
    update_time = now()
where d.space_id = $1 and d.document_id = $2;
