-- as_search: from here on the session reads passages of all spaces
set role obelisk_search;

-- as_owner: from here on it owns the tables again, and reads nothing of any space
reset role;

-- lock: one process is at a graph at a time
select pg_try_advisory_lock(x'0be6a4'::bigint);

-- unlock: and then another may be
select pg_advisory_unlock(x'0be6a4'::bigint);

-- standing: every graph that there is, broken or not
select i.indexrelid::regclass::text as name, i.indisvalid as valid,
       substring(p.condition from 'space_id = ''([0-9a-f-]{36})''')::uuid as space_id,
       replace(substring(p.condition from 'model = ''(.*)''::text'), '''''', '''') as model,
       substring(p.definition from 'halfvec\((\d+)\)')::integer as dimensions
from pg_index i
cross join lateral (select pg_get_expr(i.indpred, i.indrelid) as condition,
                           pg_get_indexdef(i.indexrelid) as definition) p
where i.indrelid = 'obelisk.chunk_vectors'::regclass and i.indpred is not null
order by 1;

-- large: sets of vectors in spaces with many passages, and how many; a graph takes 4,000 dimensions
select v.space_id, v.model, vector_dims(v.embedding) as dimensions, count(*) as count
from obelisk.lexicon_sizes z join obelisk.chunk_vectors v on v.space_id = z.space_id
where z.chunk_count >= $1 or z.space_id = any ($2)
group by 1, 2, 3
having (count(*) >= $1 or v.space_id = any ($2)) and vector_dims(v.embedding) <= 4000
order by 1, 2, 3;

-- registered: the graphs that searches use
select space_id, model, index_name from obelisk.vector_graphs;

-- create: the statement that builds a graph; the literals are what lets searches use it
select format(
  'create index concurrently %I on obelisk.chunk_vectors using hnsw '
  '((embedding::halfvec(%s)) halfvec_cosine_ops) with (m = 16, ef_construction = 200) '
  'where space_id = %L and model = %L', $1::text, $4::integer, $2::uuid, $3::text);

-- remove: the statement that drops one
select format('drop index concurrently if exists obelisk.%I', $1::text);

-- memory: as much as the graph needs to be built at once, within bounds; in kilobytes
select set_config('maintenance_work_mem', $1::text, false);

-- recall: of the ten nearest to some of a set's own vectors, the part that a search finds; equally far is as near
with asked as materialized (
  select v.embedding from obelisk.chunk_vectors v where v.space_id = $1 and v.model = $2
  order by md5(v.chunk_id::text || clock_timestamp()::text) limit $3
), known as materialized (
  select array_agg(distinct v.collection) as collections from obelisk.chunk_vectors v
  where v.space_id = $1 and v.model = $2
)
select avg(found.near::double precision / nearest.count) as recall
from asked a cross join known k
cross join lateral (
  select max(n.distance) as farthest, count(*) as count
  from (select (v.embedding <=> a.embedding) + 0 as distance from obelisk.chunk_vectors v
        where v.space_id = $1 and v.model = $2 order by 1 limit 10) n) nearest
cross join lateral (
  select count(*) as near
  from obelisk.search($1, '', a.embedding, $2, k.collections, null, null, null, null, 10) s
  join obelisk.chunk_vectors v
    on v.space_id = $1 and v.model = $2 and v.chunk_id = s.chunk_id
  where (v.embedding <=> a.embedding) <= nearest.farthest + 1e-9) found;

-- register: searches use it from now on
insert into obelisk.vector_graphs (space_id, model, dimensions, index_name)
values ($1, $2, $3, $4)
on conflict (space_id, model) do update
set dimensions = excluded.dimensions, index_name = excluded.index_name;

-- unregister: and from now on they do not
delete from obelisk.vector_graphs where space_id = $1 and model = $2;
