-- holds: whether there is any picture in a space
select obelisk.holds_pictures($1, $2);

-- nearest: passages by their pictures in one space, one round trip
select * from obelisk.search_pictures($1, $2, $3, $4, $5, $6, $7, $8, $9, $10);

-- add: what the pictures of passages show
insert into obelisk.picture_vectors (space_id, model, chunk_id, collection, embedding)
select $1, $2, v.chunk_id, $3, v.embedding
from unnest($4::uuid[], $5::halfvec[]) as v (chunk_id, embedding);
