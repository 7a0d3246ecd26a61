-- serving: the model that serves
select obelisk.serving_embeddings();

-- fill: whether this process is to fill a model in
select obelisk.fill_embeddings($1, $2, $3);

-- serve: a model serves from here on
select obelisk.serve_embeddings($1);

-- left: models that nobody searches any more
select m.model from obelisk.left_embeddings($1) as m (model);

-- forget: nothing is left of a model
select obelisk.forget_embeddings($1);

-- without: passages that have no vector of a model, of all spaces, by ids
select w.space_id, w.chunk_id from obelisk.passages_without($1, $2, $3, $4) w;

-- spaces: those that have vectors of a model, by ids
select s.space_id from obelisk.spaces_of_embeddings($1) as s (space_id);

-- passages: what is to be embedded
select chunk_id, section_path, content from obelisk.chunks
where space_id = $1 and chunk_id = any ($2::uuid[]) order by chunk_id;

-- add: vectors of passages that are still there
insert into obelisk.chunk_vectors (space_id, model, chunk_id, collection, embedding)
select $1, $2, c.chunk_id, c.collection, v.embedding
from unnest($3::uuid[], $4::halfvec[]) as v (chunk_id, embedding)
join obelisk.chunks c on c.space_id = $1 and c.chunk_id = v.chunk_id
on conflict do nothing;

-- drop: those of a model
delete from obelisk.chunk_vectors where space_id = $1 and model = $2;
