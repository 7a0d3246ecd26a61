-- Searches do less for the same answers: what small spaces, and collections without a document, made for
-- nothing is left out, rows are read together, and a passage is looked up when its turn comes.

-- Whether a space has anything in a collection.
create index documents_by_collection on obelisk.documents (space_id, collection) where state = 'ready';

-- How the nearest are found. A graph knows nothing of a filter by documents; where up to 400 are compared,
-- as many are compared exactly anyway, and their bits would only be in the way.
create function obelisk.way_to_the_nearest(p_chunks bigint, p_graph boolean, p_narrowed boolean)
returns text language sql immutable parallel safe as
$$ select case when p_narrowed then 'bits' when p_graph then 'graph'
               when p_chunks <= 400 then 'exact' else 'bits' end $$;

-- How many passages are scored for a question of so many words: about 8,000 scores are made.
create function obelisk.most_scored(p_words integer) returns integer language sql immutable parallel safe as
$$ select greatest(800, 8000 / greatest(p_words, 1)) $$;

-- The nearest of these passages, exactly, best first. Their rows are read in the order of the table, many at
-- a time where they come from the disk.
create function obelisk.nearest_of(
  p_space uuid, p_vector halfvec, p_model text, p_chunks uuid[], p_depth integer
) returns table (chunk_id uuid, distance double precision) language plpgsql stable
set search_path = obelisk, public, pg_temp set enable_seqscan = off set enable_indexscan = off
set enable_bitmapscan = on set max_parallel_workers_per_gather = 0 set jit = off
set plan_cache_mode = force_generic_plan as $$
begin
  return query
  select v.chunk_id, v.embedding <=> p_vector as distance from obelisk.chunk_vectors v
  where v.space_id = p_space and v.model = p_model and v.chunk_id = any (p_chunks)
  order by distance, v.chunk_id limit p_depth;
end $$;

-- By meaning, best first: sign bits from the index alone, exact distance for the best of them. "+ 0"
-- keeps the planner from an approximate index, which would cap the candidates.
create or replace function obelisk.by_bits(
  p_space uuid, p_vector halfvec, p_model text, p_collections text[], p_documents uuid[],
  p_depth integer
) returns table (chunk_id uuid, distance double precision) language plpgsql stable
set search_path = obelisk, public, pg_temp set enable_seqscan = off set enable_bitmapscan = off
set max_parallel_workers_per_gather = 0 set jit = off set plan_cache_mode = force_generic_plan as $$
declare
  v_bits bit varying := binary_quantize(p_vector);
  -- Short codes tell less: more of them are looked at exactly.
  v_exact integer := p_depth + case when vector_dims(p_vector) < 1024 then 450 else 150 end;
  v_near uuid[] := array(
    select v.chunk_id from obelisk.chunk_vectors v
    where v.space_id = p_space and v.model = p_model and v.collection = any (p_collections)
      and (p_documents is null or v.chunk_id in (
        select c.chunk_id from obelisk.chunks c
        where c.space_id = p_space and c.document_id = any (p_documents)))
    order by (v.bits <~> v_bits) + 0 limit v_exact);
begin
  return query select n.* from obelisk.nearest_of(p_space, p_vector, p_model, v_near, p_depth) n;
end $$;

-- By words, best first: BM25 with k1 = 1.5 and b = 0.75, of the `p_depth` best, or of `p_only` these
-- passages. ts_rank of one word whose places all weigh the same is the sum of 1/n^2 up to its count, over
-- pi^2/6: so the count is read from it, once, since n / (n + k) = 1 - k / (n + k). `p_asked` are asked_words.
create or replace function obelisk.by_words(
  p_space uuid, p_asked obelisk.asked_word[], p_collections text[], p_documents uuid[],
  p_depth integer, p_only uuid[]
) returns table (chunk_id uuid, score double precision) language plpgsql stable
set search_path = obelisk, pg_temp set enable_seqscan = off set max_parallel_workers_per_gather = 0
set jit = off as $$
declare
  v_queries tsquery[] := array(select obelisk.query_of(a.word) from unnest(p_asked) a);
  v_weights double precision[] := array(select a.weight from unnest(p_asked) a);
  v_chunks bigint;
  v_long double precision;
  v_worth tsquery;
  v_flat constant double precision := 1.5 * 0.25;
  v_scale constant double precision := 6 / (pi() * pi());
  v_half constant double precision := 0.5;
begin
  if cardinality(p_asked) = 0 then
    return;
  end if;
  select z.chunk_count, 1.5 * 0.75 * z.chunk_count / greatest(z.word_count, 1)::double precision
  into v_chunks, v_long from obelisk.lexicon_sizes z where z.space_id = p_space;
  if p_only is not null then
    return query
    select c.chunk_id, (
      select sum(t.weight * (1 - (v_flat + v_long * c.word_count) / (v_flat + v_long * c.word_count
        + round(v_scale / (1 - ts_rank('{1,1,1,1}', c.words, t.query)) - v_half))))
      from unnest(v_queries, v_weights) t (query, weight))
    from obelisk.chunks c where c.space_id = p_space and c.chunk_id = any (p_only);
    return;
  end if;
  v_worth := obelisk.worth_scoring(
    array(select a.word from unnest(p_asked) a), array(select a.chunk_count from unnest(p_asked) a),
    v_chunks, case when p_documents is null then obelisk.most_scored(cardinality(p_asked))
                   else 2000000 end);
  return query
  select c.chunk_id, (
    select sum(t.weight * (1 - (v_flat + v_long * c.word_count) / (v_flat + v_long * c.word_count
      + round(v_scale / (1 - ts_rank('{1,1,1,1}', c.words, t.query)) - v_half))))
    from unnest(v_queries, v_weights) t (query, weight)
  ) as score
  from obelisk.chunks c
  where c.space_id = p_space and c.collection = any (p_collections) and c.words @@ v_worth
    and (p_documents is null or c.document_id = any (p_documents))
  order by score desc, c.chunk_id limit p_depth;
end $$;

-- The two halves in one statement. What either finds has both scores, and words count the more the farther
-- their best stands above their tenth. The ten best of all then say with the question what is looked for:
-- distances are taken again, three parts of ten to the middle of those. The farthest of the first fifty of
-- each half is worth nothing, so that an order does not hang on how many are asked for.
-- Where every passage with any of the words is scored, what is not among those has a score of 0, and nothing
-- is scored twice. What is found is put in order first, and looked up until there are enough.
-- Source: Rocchio, "Relevance Feedback in Information Retrieval", 1971, with nobody to ask.
-- Runs as obelisk_search, for which the policies have no word; the space is an explicit predicate, from the
-- transaction's setting alone.
create or replace function obelisk.search_in_space(
  p_text text, p_vector halfvec, p_model text, p_collections text[], p_media_types text[],
  p_documents uuid[], p_from timestamptz, p_before timestamptz, p_limit integer
) returns setof obelisk.passage language plpgsql stable security definer
set search_path = obelisk, public, pg_temp set enable_seqscan = off
set max_parallel_workers_per_gather = 0 set jit = off set plan_cache_mode = force_generic_plan as $$
declare
  v_space uuid := obelisk.current_space();
  v_depth integer := least(greatest(p_limit, 50), 1000);
  v_way text;
  v_asked obelisk.asked_word[];
  v_stand bigint;
  v_all boolean;
  v_documents uuid[];
  v_near uuid[] := '{}';
  v_distances double precision[];
  v_worded uuid[] := '{}';
  v_scores double precision[];
  v_share double precision;
begin
  select obelisk.way_to_the_nearest(z.chunk_count, exists (
           select from obelisk.vector_graphs g
           where g.space_id = v_space and g.model = p_model and g.dimensions = vector_dims(p_vector)
         ), num_nonnulls(p_media_types, p_documents, p_from, p_before) > 0)
  into v_way from obelisk.lexicon_sizes z
  where z.space_id = v_space and exists (
    select from obelisk.documents d
    where d.space_id = v_space and d.state = 'ready' and d.collection = any (p_collections));
  if not found then
    return;
  end if;
  if num_nonnulls(p_media_types, p_documents, p_from, p_before) > 0 then
    v_documents := array(
      select d.document_id from obelisk.documents d
      where d.space_id = v_space and d.state = 'ready'
        and (p_media_types is null or d.media_type = any (p_media_types))
        and (p_documents is null or d.document_id = any (p_documents))
        and (p_from is null or d.create_time >= p_from)
        and (p_before is null or d.create_time < p_before));
  end if;
  if p_text <> '' then
    v_asked := array(select a from obelisk.asked_words(v_space, p_text) a);
    v_stand := (select sum(a.chunk_count) from unnest(v_asked) a);
    v_all := v_stand <= obelisk.most_scored(cardinality(v_asked));
    select coalesce(array_agg(w.chunk_id), '{}'), array_agg(w.score) into v_worded, v_scores
    from obelisk.by_words(v_space, v_asked, p_collections, v_documents,
                          case when v_all then greatest(v_depth, v_stand::integer) else v_depth end, null) w;
  end if;
  if p_vector is not null and v_way = 'graph' then
    select coalesce(array_agg(g.chunk_id), '{}'), array_agg(g.distance) into v_near, v_distances
    from obelisk.by_graph(v_space, p_vector, p_model, p_collections, v_depth) g;
  elsif p_vector is not null and v_way = 'exact' then
    select coalesce(array_agg(n.chunk_id), '{}'), array_agg(n.distance) into v_near, v_distances
    from (select v.chunk_id, v.embedding <=> p_vector as distance from obelisk.chunk_vectors v
          where v.space_id = v_space and v.model = p_model and v.collection = any (p_collections)
          order by distance, v.chunk_id limit v_depth) n;
  end if;
  if p_vector is not null and v_way <> 'exact' and cardinality(v_near) = 0 then
    select coalesce(array_agg(b.chunk_id), '{}'), array_agg(b.distance) into v_near, v_distances
    from obelisk.by_bits(v_space, p_vector, p_model, p_collections, v_documents, v_depth) b;
  end if;
  if cardinality(v_near) = 0 or cardinality(v_worded) = 0 then
    return query
    select p.chunk_id, p.document_id, p.title, p.filename, p.collection, p.section_path, p.page,
           p.content, p.version, p.span_start, p.span_end,
           case when cardinality(v_worded) = 0 then u.place::integer end,
           case when cardinality(v_near) = 0 then u.place::integer end,
           obelisk.fused(case when cardinality(v_near) = 0 then 1 else 0 end, v_distances[u.place],
                         v_distances[1], v_distances[cardinality(v_near)], v_scores[u.place],
                         v_scores[1])
    from unnest(v_near || v_worded[:v_depth]) with ordinality u (chunk_id, place)
    cross join lateral obelisk.whole(u.chunk_id) p
    order by u.place limit p_limit;
    return;
  end if;
  v_share := least(0.1 + 0.6 * (1 - coalesce(v_scores[10], 0) / v_scores[1]), 0.4);
  return query
  with found as (
    select chunk_id, s.distance, s.place as semantic_rank, l.score, l.place as lexical_rank
    from unnest(v_near, v_distances) with ordinality s (chunk_id, distance, place)
    full join unnest(v_worded[:v_depth], v_scores[:v_depth]) with ordinality l (chunk_id, score, place)
    using (chunk_id)
  ), other as (
    select w.chunk_id, w.score
    from obelisk.by_words(v_space, v_asked, p_collections, v_documents, v_depth, array(
      select f.chunk_id from found f where f.lexical_rank is null)) w
    where not v_all
    union all
    select u.chunk_id, u.score
    from unnest(v_worded[v_depth + 1:], v_scores[v_depth + 1:]) u (chunk_id, score)
  ), scored as materialized (
    select f.chunk_id, f.semantic_rank, f.lexical_rank, v.embedding,
           coalesce(f.distance, v.embedding <=> p_vector) as distance,
           coalesce(f.score, other.score, 0) as score
    from found f
    left join obelisk.chunk_vectors v
      on v.space_id = v_space and v.model = p_model and v.chunk_id = f.chunk_id
    left join other on other.chunk_id = f.chunk_id
  ), bounds as materialized (
    select min(distance) as nearest, max(distance) as farthest, max(score) as best
    from scored where least(semantic_rank, lexical_rank) <= 50
  ), middle as materialized (
    select avg(b.embedding) as embedding from (
      select s.embedding from scored s, bounds o
      where least(s.semantic_rank, s.lexical_rank) <= 50
      order by obelisk.fused(v_share, s.distance, o.nearest, o.farthest, s.score, o.best) desc,
               s.chunk_id
      limit (least(cardinality(v_near), 50) + least(cardinality(v_worded), 50)) / 10) b
  ), moved as materialized (
    select s.chunk_id, s.semantic_rank, s.lexical_rank, s.score,
           coalesce(0.7 * s.distance + 0.3 * (s.embedding <=> m.embedding), s.distance) as distance
    from scored s, middle m
  ), moved_bounds as materialized (
    select min(distance) as nearest, max(distance) as farthest, max(score) as best
    from moved where least(semantic_rank, lexical_rank) <= 50
  ), fused as (
    select m.chunk_id, m.semantic_rank::integer, m.lexical_rank::integer,
           least(m.semantic_rank, m.lexical_rank) as rank,
           obelisk.fused(v_share, m.distance, o.nearest, o.farthest, m.score, o.best) as score
    from moved m, moved_bounds o
    order by score desc, rank, m.chunk_id offset 0
  )
  select p.chunk_id, p.document_id, p.title, p.filename, p.collection, p.section_path, p.page,
         p.content, p.version, p.span_start, p.span_end, f.semantic_rank, f.lexical_rank, f.score
  from fused f cross join lateral obelisk.whole(f.chunk_id) p
  order by f.score desc, f.rank, f.chunk_id limit p_limit;
end $$;
