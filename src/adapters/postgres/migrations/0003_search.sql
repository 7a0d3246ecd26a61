-- Search runs as obelisk_search: row-level security would keep the full-text index from being used,
-- because its operator is not leakproof. The space is an explicit predicate here, and comes from the
-- transaction's setting alone.

grant select on obelisk.documents, obelisk.chunks, obelisk.chunk_vectors to obelisk_search;
create policy search on obelisk.documents for select to obelisk_search using (true);
create policy search on obelisk.chunks for select to obelisk_search using (true);
create policy search on obelisk.chunk_vectors for select to obelisk_search using (true);
grant create on schema obelisk to obelisk_search;

create type obelisk.passage as (
  chunk_id uuid, document_id uuid, title text, filename text, collection text,
  section_path text[], page integer, content text
);

-- Any of the question's words may match: a person's question holds more words than a passage.
create function obelisk.any_word(p_text text) returns tsquery language sql immutable parallel safe as
$$ select replace(plainto_tsquery('english', p_text)::text, ''' & ''', ''' | ''')::tsquery $$;

-- Sign bits from the index first, exact distance for the best 200, then fused by rank with words.
create function obelisk.hybrid_in_space(
  p_text text, p_vector halfvec, p_model text, p_collections text[], p_limit integer
) returns setof obelisk.passage language plpgsql stable security definer
set search_path = obelisk, public, pg_temp as $$
declare
  v_space uuid := obelisk.current_space();
  v_bits bit varying := binary_quantize(p_vector);
  v_words tsquery := obelisk.any_word(p_text);
begin
  return query
  with near as materialized (
    -- "+ 0" keeps the planner from an approximate index, which would cap the candidates.
    select v.chunk_id from obelisk.chunk_vectors v
    where v.space_id = v_space and v.model = p_model and v.collection = any (p_collections)
      and p_vector is not null
    order by (v.bits <~> v_bits) + 0 limit 200
  ), semantic as (
    select z.chunk_id, row_number() over (order by z.distance, z.chunk_id) as rank
    from (select v.chunk_id, v.embedding <=> p_vector as distance
          from near join obelisk.chunk_vectors v
            on v.space_id = v_space and v.model = p_model and v.chunk_id = near.chunk_id
          order by distance limit 50) z
  ), worded as materialized (
    select c.chunk_id, c.words from obelisk.chunks c
    where c.space_id = v_space and c.collection = any (p_collections) and c.words @@ v_words
    limit 2000
  ), lexical as (
    select z.chunk_id, row_number() over (order by z.score desc, z.chunk_id) as rank
    from (select w.chunk_id, ts_rank_cd(w.words, v_words, 1) as score
          from worded w order by score desc limit 50) z
  ), fused as (
    select u.chunk_id, sum(1.0 / (60 + u.rank)) as score
    from (select * from semantic union all select * from lexical) u
    group by u.chunk_id order by score desc, u.chunk_id limit p_limit
  )
  select c.chunk_id, c.document_id, d.title, d.filename, c.collection, c.section_path, c.page,
         c.content
  from fused join obelisk.chunks c on c.space_id = v_space and c.chunk_id = fused.chunk_id
  join obelisk.documents d
    on d.space_id = v_space and d.document_id = c.document_id and d.state = 'ready'
  order by fused.score desc, c.chunk_id;
end $$;

create function obelisk.hybrid(
  p_space uuid, p_text text, p_vector halfvec, p_model text, p_collections text[], p_limit integer
) returns setof obelisk.passage language plpgsql as $$
begin
  perform set_config('app.space_id', p_space::text, true);
  return query select * from obelisk.hybrid_in_space(
    p_text, p_vector, p_model, p_collections, p_limit);
end $$;

create function obelisk.passages_of_documents(
  p_space uuid, p_documents uuid[], p_vector halfvec, p_model text, p_limit integer
) returns setof obelisk.passage language plpgsql as $$
begin
  perform set_config('app.space_id', p_space::text, true);
  return query
  select c.chunk_id, c.document_id, d.title, d.filename, c.collection, c.section_path, c.page,
         c.content
  from obelisk.chunks c
  join obelisk.documents d
    on d.space_id = p_space and d.document_id = c.document_id and d.state = 'ready'
  left join obelisk.chunk_vectors v
    on v.space_id = p_space and v.model = p_model and v.chunk_id = c.chunk_id
  where c.space_id = p_space and c.document_id = any (p_documents)
  order by v.embedding <=> p_vector nulls last, c.document_id, c.ordinal
  limit p_limit;
end $$;

alter function obelisk.hybrid_in_space owner to obelisk_search;
revoke create on schema obelisk from obelisk_search, obelisk_system;
revoke all on function obelisk.hybrid_in_space from public;
grant execute on function obelisk.hybrid_in_space to obelisk_app;
