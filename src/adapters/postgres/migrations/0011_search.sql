-- Words are ranked by BM25, with statistics of the space's own that are counted in the transaction that
-- changes its passages; searches can be narrowed; large spaces have a graph of their vectors.

-- How many words a passage has, repeated ones too; their places are what a tsvector keeps of each.
create function obelisk.count_of(p_words tsvector) returns integer language sql immutable parallel safe as
$$ select coalesce(sum(cardinality(w.positions)), 0)::integer from unnest(p_words) w $$;

alter table obelisk.chunks
  add column word_count integer not null generated always as (obelisk.count_of(words)) stored,
  -- What the words are scored by stays in the row; the text, read for the few that are found, does not.
  alter column words set storage main,
  alter column content set storage external;
drop index obelisk.chunks_by_document;
create index chunks_by_document on obelisk.chunks (space_id, document_id, ordinal) include (chunk_id);

-- Sign bits lie by collection: a search reads those of the collections that it asks for, from the index
-- alone as long as the table is vacuumed.
alter table obelisk.chunk_vectors drop constraint chunk_vectors_pkey;
alter table obelisk.chunk_vectors add primary key (space_id, model, chunk_id);
create index chunk_vectors_bits on obelisk.chunk_vectors (space_id, model, collection)
  include (chunk_id, bits);
alter table obelisk.chunk_vectors alter column embedding set storage main;
alter table obelisk.chunk_vectors set (
  -- A vector of up to 4,000 dimensions stays in its row: the few that are compared exactly are fetched at once.
  toast_tuple_target = 8160,
  autovacuum_vacuum_insert_threshold = 500, autovacuum_vacuum_insert_scale_factor = 0.02,
  autovacuum_vacuum_threshold = 500, autovacuum_vacuum_scale_factor = 0.02);

-- One row a space: locked first by whoever changes its passages, so that no two count at once. It goes
-- with its space by a trigger: a foreign key would have who publishes wait for the space, and whoever
-- erases that waits for them.
create table obelisk.lexicon_sizes (
  space_id uuid primary key,
  chunk_count bigint not null,
  word_count bigint not null,
  languages text[] not null
);

-- In how many passages of its space a word stands. It goes with the space's row in lexicon_sizes.
create table obelisk.lexicon (
  space_id uuid not null,
  word text collate "C" not null,
  chunk_count integer not null check (chunk_count > 0),
  primary key (space_id, word)
);
alter table obelisk.lexicon set (fillfactor = 80);

-- Spaces whose vectors have a graph, ready to be searched; the index itself bears its name.
create table obelisk.vector_graphs (
  space_id uuid not null references obelisk.spaces on delete cascade,
  model text not null,
  dimensions integer not null,
  index_name text not null,
  create_time timestamptz not null default now(),
  primary key (space_id, model)
);

-- Nobody but the search has a use for them: the application itself has no right on any.
do $$
declare
  t text;
begin
  foreach t in array array['lexicon_sizes', 'lexicon', 'vector_graphs'] loop
    execute format('alter table obelisk.%I enable row level security', t);
    execute format('alter table obelisk.%I force row level security', t);
    execute format('grant select, insert, update, delete on obelisk.%I to obelisk_search', t);
    execute format(
      'create policy search on obelisk.%I to obelisk_search using (true) with check (true)', t);
  end loop;
end $$;

grant create on schema obelisk to obelisk_search;

create function obelisk.count_words() returns trigger language plpgsql security definer
set search_path = obelisk, pg_temp as $$
begin
  if tg_op <> 'INSERT' then
    update obelisk.lexicon_sizes z
    set chunk_count = z.chunk_count - g.chunks, word_count = z.word_count - g.words
    from (select space_id, count(*) as chunks, sum(word_count) as words from gone group by 1) g
    where z.space_id = g.space_id;
    -- An emptied space forgets all at once; one that is erased has forgotten already.
    delete from obelisk.lexicon_sizes z
    where z.chunk_count <= 0 and z.space_id in (select space_id from gone);
    if exists (select from obelisk.lexicon_sizes z where z.space_id in (select space_id from gone)) then
      delete from obelisk.lexicon l
      using (select g.space_id, w.lexeme, count(*) as chunks from gone g, unnest(g.words) w
             group by 1, 2) o
      where l.space_id = o.space_id and l.word = o.lexeme and l.chunk_count <= o.chunks;
      update obelisk.lexicon l set chunk_count = l.chunk_count - o.chunks
      from (select g.space_id, w.lexeme, count(*) as chunks from gone g, unnest(g.words) w
            group by 1, 2) o
      where l.space_id = o.space_id and l.word = o.lexeme;
    end if;
  end if;
  if tg_op <> 'DELETE' then
    insert into obelisk.lexicon_sizes as z (space_id, chunk_count, word_count, languages)
    select c.space_id, count(*), sum(c.word_count), array_agg(distinct d.language)
    from came c
    join obelisk.documents d on d.space_id = c.space_id and d.document_id = c.document_id
    group by 1 order by 1
    on conflict (space_id) do update
    set chunk_count = z.chunk_count + excluded.chunk_count,
        word_count = z.word_count + excluded.word_count,
        languages = array(select distinct l from unnest(z.languages || excluded.languages) l);
    insert into obelisk.lexicon as l (space_id, word, chunk_count)
    select c.space_id, w.lexeme, count(*) from came c, unnest(c.words) w group by 1, 2
    on conflict (space_id, word) do update set chunk_count = l.chunk_count + excluded.chunk_count;
  end if;
  return null;
end $$;

create function obelisk.forget_words() returns trigger language plpgsql security definer
set search_path = obelisk, pg_temp as $$
begin
  if tg_relid = 'obelisk.spaces'::regclass then
    delete from obelisk.lexicon_sizes where space_id = old.space_id;
  else
    delete from obelisk.lexicon where space_id = old.space_id;
  end if;
  return old;
end $$;

alter function obelisk.count_words owner to obelisk_search;
alter function obelisk.forget_words owner to obelisk_search;
revoke all on function obelisk.count_words, obelisk.forget_words from public;

create trigger count_words_that_come after insert on obelisk.chunks
  referencing new table as came for each statement execute function obelisk.count_words();
create trigger count_words_that_go after delete on obelisk.chunks
  referencing old table as gone for each statement execute function obelisk.count_words();
create trigger count_words_that_change after update on obelisk.chunks
  referencing old table as gone new table as came
  for each statement execute function obelisk.count_words();
create trigger forget_words after delete on obelisk.lexicon_sizes
  for each row execute function obelisk.forget_words();
-- Before the space's documents go, one by one: there is nothing left to count then.
create trigger forget_words before delete on obelisk.spaces
  for each row execute function obelisk.forget_words();

-- What there is already is counted now; the tables' owner is under their policies like everybody else.
do $$
declare
  t text;
begin
  foreach t in array array['chunks', 'documents', 'lexicon_sizes', 'lexicon'] loop
    execute format('alter table obelisk.%I no force row level security', t);
  end loop;
  insert into obelisk.lexicon_sizes
  select c.space_id, count(*), sum(c.word_count), array_agg(distinct d.language)
  from obelisk.chunks c
  join obelisk.documents d on d.space_id = c.space_id and d.document_id = c.document_id group by 1;
  insert into obelisk.lexicon
  select c.space_id, w.lexeme, count(*) from obelisk.chunks c, unnest(c.words) w group by 1, 2;
  foreach t in array array['chunks', 'documents', 'lexicon_sizes', 'lexicon'] loop
    execute format('alter table obelisk.%I force row level security', t);
  end loop;
end $$;

drop function obelisk.hybrid;
drop function obelisk.hybrid_in_space;
drop function obelisk.passages_of_documents;
drop function obelisk.any_word;
drop type obelisk.passage;
create type obelisk.passage as (
  chunk_id uuid, document_id uuid, title text, filename text, collection text,
  section_path text[], page integer, content text, version integer,
  span_start integer, span_end integer,
  semantic_rank integer, lexical_rank integer, score double precision
);

-- The words of a question that the space knows, as each of its languages has them; rarest first. `weight`
-- is how often it is asked for times its inverse document frequency.
-- Source: Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond", 2009; the
-- frequency as Lucene has it, which is never negative.
create type obelisk.asked_word as (word text, chunk_count integer, weight double precision);
create function obelisk.asked_words(p_space uuid, p_text text)
returns setof obelisk.asked_word language sql stable as $$
  select l.word, l.chunk_count,
         a.times * ln(1 + (z.chunk_count - l.chunk_count + 0.5) / (l.chunk_count + 0.5))
  from obelisk.lexicon_sizes z
  cross join lateral (
    select w.lexeme, max(cardinality(w.positions)) as times
    from unnest(z.languages) g (language), unnest(to_tsvector(g.language::regconfig, p_text)) w
    group by 1
  ) a
  join obelisk.lexicon l on l.space_id = z.space_id and l.word = a.lexeme collate "C"
  where z.space_id = p_space
  order by l.chunk_count, l.word
  limit 64
$$;

-- One word, taken as it is.
create function obelisk.query_of(p_word text) returns tsquery language sql immutable parallel safe as
$$ select ('''' || replace(replace(p_word, '\', '\\'), '''', '''''') || '''')::tsquery $$;

-- Which passages are worth scoring: those with a word that is rare, or with two of the words that are
-- not; where that would be too many, those with the rarest words together. About `p_most` passages, more
-- only for a question of one or two words. Words come rarest first.
create function obelisk.worth_scoring(
  p_words text[], p_counts integer[], p_chunks bigint, p_most integer
) returns tsquery language plpgsql immutable parallel safe set search_path = obelisk, pg_temp as $$
declare
  v_queries tsquery[] := array(select obelisk.query_of(w) from unnest(p_words) with ordinality u (w, n)
                               order by n);
  v_query tsquery;
  v_expected double precision := 0;
  v_pair double precision;
  v_rare integer := 0;
begin
  for n in 1 .. cardinality(p_words) loop
    exit when v_expected + p_counts[n] > p_most;
    v_expected := v_expected + p_counts[n];
    v_query := coalesce(v_query || v_queries[n], v_queries[n]);
    v_rare := n;
  end loop;
  for i in v_rare + 1 .. cardinality(p_words) loop
    for j in i + 1 .. cardinality(p_words) loop
      v_pair := p_counts[i]::double precision * p_counts[j] / p_chunks;
      exit when v_expected + v_pair > p_most;
      v_expected := v_expected + v_pair;
      v_query := coalesce(v_query || (v_queries[i] && v_queries[j]), v_queries[i] && v_queries[j]);
    end loop;
  end loop;
  if v_query is null then
    v_query := v_queries[1];
    v_expected := p_counts[1];
    for n in 2 .. cardinality(p_words) loop
      exit when v_expected <= p_most;
      v_query := v_query && v_queries[n];
      v_expected := v_expected * p_counts[n] / p_chunks;
    end loop;
  end if;
  return v_query;
end $$;

-- By words, best first: BM25 with k1 = 1.5 and b = 0.75, of the `p_depth` best, or of `p_only` these
-- passages. ts_rank of one word whose places all weigh the same is the sum of 1/n^2 up to its count, over
-- pi^2/6: so the count is read from it. `p_asked` are asked_words.
create function obelisk.by_words(
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
      select sum(t.weight * f.times / (f.times + v_flat + v_long * c.word_count))
      from unnest(v_queries, v_weights) t (query, weight), lateral (
        select round(v_scale / (1 - ts_rank('{1,1,1,1}', c.words, t.query)) - v_half) as times) f)
    from obelisk.chunks c where c.space_id = p_space and c.chunk_id = any (p_only);
    return;
  end if;
  v_worth := obelisk.worth_scoring(
    array(select a.word from unnest(p_asked) a), array(select a.chunk_count from unnest(p_asked) a),
    v_chunks, case when p_documents is null then greatest(800, 8000 / cardinality(p_asked))
                   else 2000000 end);
  return query
  select c.chunk_id, (
    select sum(t.weight * f.times / (f.times + v_flat + v_long * c.word_count))
    from unnest(v_queries, v_weights) t (query, weight), lateral (
      select round(v_scale / (1 - ts_rank('{1,1,1,1}', c.words, t.query)) - v_half) as times) f
  ) as score
  from obelisk.chunks c
  where c.space_id = p_space and c.collection = any (p_collections) and c.words @@ v_worth
    and (p_documents is null or c.document_id = any (p_documents))
  order by score desc, c.chunk_id limit p_depth;
end $$;

-- By meaning, best first: sign bits from the index alone, exact distance for the best of them. "+ 0"
-- keeps the planner from an approximate index, which would cap the candidates.
create function obelisk.by_bits(
  p_space uuid, p_vector halfvec, p_model text, p_collections text[], p_documents uuid[],
  p_depth integer
) returns table (chunk_id uuid, distance double precision) language plpgsql stable
set search_path = obelisk, public, pg_temp set enable_seqscan = off set enable_bitmapscan = off
set max_parallel_workers_per_gather = 0 set jit = off set plan_cache_mode = force_generic_plan as $$
declare
  v_bits bit varying := binary_quantize(p_vector);
  -- Short codes tell less: more of them are looked at exactly.
  v_exact integer := p_depth + case when vector_dims(p_vector) < 1024 then 450 else 150 end;
begin
  return query
  with near as materialized (
    select v.chunk_id from obelisk.chunk_vectors v
    where v.space_id = p_space and v.model = p_model and v.collection = any (p_collections)
      and (p_documents is null or v.chunk_id in (
        select c.chunk_id from obelisk.chunks c
        where c.space_id = p_space and c.document_id = any (p_documents)))
    order by (v.bits <~> v_bits) + 0 limit v_exact
  )
  select v.chunk_id, v.embedding <=> p_vector as distance
  from near join obelisk.chunk_vectors v
    on v.space_id = p_space and v.model = p_model and v.chunk_id = near.chunk_id
  order by distance, v.chunk_id limit p_depth;
end $$;

-- By meaning, through the space's own graph, which the planner takes for literals alone; nothing where
-- the graph runs dry before there are enough, as it may where few passages pass the filter.
create function obelisk.by_graph(
  p_space uuid, p_vector halfvec, p_model text, p_collections text[], p_depth integer
) returns table (chunk_id uuid, distance double precision) language plpgsql stable
set search_path = obelisk, public, pg_temp set enable_seqscan = off set enable_sort = off
set max_parallel_workers_per_gather = 0 set jit = off as $$
declare
  v_found uuid[];
  v_distances double precision[];
begin
  perform set_config('hnsw.ef_search', least(2 * p_depth, 1000)::text, true),
          set_config('hnsw.iterative_scan', 'relaxed_order', true),
          -- Where one in ten passes the filter or fewer, bits are quicker than going on through the graph.
          set_config('hnsw.max_scan_tuples', (10 * p_depth)::text, true);
  execute format(
    'select array_agg(z.chunk_id), array_agg(z.distance) from ('
    '  select v.chunk_id, v.embedding::halfvec(%1$s) <=> $1::halfvec(%1$s) as distance'
    '  from obelisk.chunk_vectors v'
    '  where v.space_id = %2$L and v.model = %3$L and v.collection = any ($2)'
    '  order by v.embedding::halfvec(%1$s) <=> $1::halfvec(%1$s) limit $3) z',
    vector_dims(p_vector), p_space, p_model)
  into v_found, v_distances using p_vector, p_collections, p_depth;
  if cardinality(v_found) = p_depth then
    return query
    select u.* from unnest(v_found, v_distances) u (chunk_id, distance) order by 2, 1;
  end if;
end $$;

-- One passage of this transaction's space as it is read, nothing where its document is not. "offset 0" has
-- each looked up by itself: otherwise the planner may read a whole space to find a few.
create function obelisk.whole(p_chunk uuid) returns table (
  chunk_id uuid, document_id uuid, title text, filename text, collection text, section_path text[],
  page integer, content text, version integer, span_start integer, span_end integer
) language sql stable as $$
  select c.chunk_id, c.document_id, d.title, d.filename, c.collection, c.section_path, c.page,
         c.content, d.version, c.span_start, c.span_end
  from (select * from obelisk.chunks
        where space_id = obelisk.current_space() and chunk_id = p_chunk offset 0) c
  cross join lateral (
    select * from obelisk.documents
    where space_id = c.space_id and document_id = c.document_id and state = 'ready' offset 0) d
$$;

-- What a passage is worth: meaning from 0 for the farthest to 1 for the nearest, words by their part of the
-- best; `p_words` is the share of the words.
-- Source: Bruch, Gai and Ingber, "An Analysis of Fusion Functions for Hybrid Retrieval", TOIS 2023.
create function obelisk.fused(
  p_words double precision, p_distance double precision, p_nearest double precision,
  p_farthest double precision, p_score double precision, p_best double precision
) returns double precision language sql immutable parallel safe as
$$ select (1 - p_words) * coalesce((p_farthest - p_distance) / nullif(p_farthest - p_nearest, 0), 0)
          + p_words * coalesce(p_score / nullif(p_best, 0), 0) $$;

-- The two halves in one statement. What either finds has both scores, and words count the more the farther
-- their best stands above their tenth. The ten best of all then say with the question what is looked for:
-- distances are taken again, three parts of ten to the middle of those. The farthest of the first fifty of
-- each half is worth nothing, so that an order does not hang on how many are asked for.
-- Source: Rocchio, "Relevance Feedback in Information Retrieval", 1971, with nobody to ask.
-- Runs as obelisk_search, for which the policies have no word; the space is an explicit predicate, from the
-- transaction's setting alone.
create function obelisk.search_in_space(
  p_text text, p_vector halfvec, p_model text, p_collections text[], p_media_types text[],
  p_documents uuid[], p_from timestamptz, p_before timestamptz, p_limit integer
) returns setof obelisk.passage language plpgsql stable security definer
set search_path = obelisk, public, pg_temp set enable_seqscan = off
set max_parallel_workers_per_gather = 0 set jit = off set plan_cache_mode = force_generic_plan as $$
declare
  v_space uuid := obelisk.current_space();
  v_depth integer := least(greatest(p_limit, 50), 1000);
  v_asked obelisk.asked_word[];
  v_documents uuid[];
  v_near uuid[] := '{}';
  v_distances double precision[];
  v_worded uuid[] := '{}';
  v_scores double precision[];
  v_share double precision;
begin
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
    select coalesce(array_agg(w.chunk_id), '{}'), array_agg(w.score) into v_worded, v_scores
    from obelisk.by_words(v_space, v_asked, p_collections, v_documents, v_depth, null) w;
  end if;
  if p_vector is not null and v_documents is null and exists (
    select from obelisk.vector_graphs g
    where g.space_id = v_space and g.model = p_model and g.dimensions = vector_dims(p_vector)
  ) then
    select coalesce(array_agg(g.chunk_id), '{}'), array_agg(g.distance) into v_near, v_distances
    from obelisk.by_graph(v_space, p_vector, p_model, p_collections, v_depth) g;
  elsif p_vector is not null and v_documents is null and exists (
    select from obelisk.lexicon_sizes z where z.space_id = v_space and z.chunk_count <= 400
  ) then
    -- As many are compared exactly anyway: their bits would only be in the way.
    select coalesce(array_agg(n.chunk_id), '{}'), array_agg(n.distance) into v_near, v_distances
    from (select v.chunk_id, v.embedding <=> p_vector as distance from obelisk.chunk_vectors v
          where v.space_id = v_space and v.model = p_model and v.collection = any (p_collections)
          order by distance, v.chunk_id limit v_depth) n;
  end if;
  if p_vector is not null and cardinality(v_near) = 0 then
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
    from unnest(v_near || v_worded) with ordinality u (chunk_id, place)
    cross join lateral obelisk.whole(u.chunk_id) p
    order by u.place limit p_limit;
    return;
  end if;
  v_share := least(0.1 + 0.6 * (1 - coalesce(v_scores[10], 0) / v_scores[1]), 0.4);
  return query
  with found as (
    select chunk_id, s.distance, s.place as semantic_rank, l.score, l.place as lexical_rank
    from unnest(v_near, v_distances) with ordinality s (chunk_id, distance, place)
    full join unnest(v_worded, v_scores) with ordinality l (chunk_id, score, place) using (chunk_id)
  ), other as (
    select w.* from obelisk.by_words(v_space, v_asked, p_collections, v_documents, v_depth, array(
      select f.chunk_id from found f where f.lexical_rank is null)) w
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
           obelisk.fused(v_share, m.distance, o.nearest, o.farthest, m.score, o.best) as score
    from moved m, moved_bounds o
  )
  select p.chunk_id, p.document_id, p.title, p.filename, p.collection, p.section_path, p.page,
         p.content, p.version, p.span_start, p.span_end, f.semantic_rank, f.lexical_rank, f.score
  from fused f cross join lateral obelisk.whole(f.chunk_id) p
  order by f.score desc, least(f.semantic_rank, f.lexical_rank), p.chunk_id limit p_limit;
end $$;

create function obelisk.search(
  p_space uuid, p_text text, p_vector halfvec, p_model text, p_collections text[],
  p_media_types text[], p_documents uuid[], p_from timestamptz, p_before timestamptz,
  p_limit integer
) returns setof obelisk.passage language plpgsql as $$
begin
  perform set_config('app.space_id', p_space::text, true);
  return query select * from obelisk.search_in_space(
    p_text, p_vector, p_model, p_collections, p_media_types, p_documents, p_from, p_before, p_limit);
end $$;

-- Of documents that were named: each has its share before any has more, so that a long one leaves room to
-- the others, and one that is not among them has nothing to be found.
create function obelisk.passages_of_documents(
  p_space uuid, p_documents uuid[], p_vector halfvec, p_model text, p_limit integer
) returns setof obelisk.passage language plpgsql as $$
declare
  v_share double precision := ceil(p_limit / greatest(cardinality(p_documents), 1)::double precision);
begin
  perform set_config('app.space_id', p_space::text, true);
  return query
  with ranked as (
    select c.chunk_id, c.document_id, c.ordinal, v.embedding <=> p_vector as distance,
           row_number() over (partition by c.document_id
                              order by v.embedding <=> p_vector nulls last, c.ordinal) as place
    from obelisk.chunks c
    join obelisk.documents d
      on d.space_id = p_space and d.document_id = c.document_id and d.state = 'ready'
    left join obelisk.chunk_vectors v
      on v.space_id = p_space and v.model = p_model and v.chunk_id = c.chunk_id
    where c.space_id = p_space and c.document_id = any (p_documents)
  ), best as materialized (
    select * from ranked r
    order by r.place > v_share, r.distance nulls last, r.document_id, r.ordinal limit p_limit
  )
  select p.chunk_id, p.document_id, p.title, p.filename, p.collection, p.section_path, p.page,
         p.content, p.version, p.span_start, p.span_end, null::integer, null::integer, 1 - b.distance
  from best b cross join lateral obelisk.whole(b.chunk_id) p
  order by b.distance nulls last, b.document_id, b.ordinal;
end $$;

alter function obelisk.search_in_space owner to obelisk_search;
revoke create on schema obelisk from obelisk_search;
revoke all on function obelisk.search_in_space from public;
grant execute on function obelisk.search_in_space to obelisk_app;
