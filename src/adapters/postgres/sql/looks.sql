-- unseen: documents whose pictures wait for a model, at most one of a space, by ids
select u.space_id, u.document_id from obelisk.unseen_documents($1, $2, $3) u;

-- take: one of them, unless somebody was quicker
update obelisk.documents
set looks = case when look_model = $3 then looks else 0 end + 1,
    look_delays = case when look_model = $3 then look_delays else 0 end,
    look_model = $3, look_time = clock_timestamp() + $4::interval
where space_id = $1 and document_id = $2 and state = 'ready' and visual_model <> $3
  and picture_count is distinct from 0
  and (look_time is null or look_time <= clock_timestamp())
returning looks, look_delays;

-- text: by what the text of a document is known
select text_sha256 from obelisk.documents where space_id = $1 and document_id = $2;

-- passages: those of the document's own text, in their order
select chunk_id, span_start, span_end from obelisk.chunks
where space_id = $1 and document_id = $2 and span_end > 0 order by ordinal;

-- hold_space: the space stays while its vectors change
select obelisk.hold_space($1);

-- seen: a model has looked at the document's pictures
update obelisk.documents
set visual_model = $3, warnings = $4, looks = 0, look_delays = 0,
    look_time = clock_timestamp() + $6::interval
where space_id = $1 and document_id = $2 and fence = $5 and state = 'ready'
returning true;

-- clear: what any model saw in them before
delete from obelisk.picture_vectors
where space_id = $1 and chunk_id in (
  select c.chunk_id from obelisk.chunks c where c.space_id = $1 and c.document_id = $2);

-- add: what the pictures of passages show that are still there
insert into obelisk.picture_vectors (space_id, model, chunk_id, collection, embedding)
select $1, $2, c.chunk_id, c.collection, v.embedding
from unnest($3::uuid[], $4::halfvec[]) as v (chunk_id, embedding)
join obelisk.chunks c on c.space_id = $1 and c.chunk_id = v.chunk_id;

-- put_off: the model was away, which is not the document's fault
update obelisk.documents
set looks = greatest(looks - 1, 0), look_delays = look_delays + 1,
    look_time = clock_timestamp() + $4::interval
where space_id = $1 and document_id = $2 and look_model = $3 and state = 'ready';

-- give_up: the model looks at it no more
update obelisk.documents set looks = $4, warnings = $5
where space_id = $1 and document_id = $2 and look_model = $3 and state = 'ready';
