-- What the pictures of a passage show: one vector, the mean of theirs, in a space of the visual model's
-- own, which is never compared with that of texts.

create table obelisk.picture_vectors (
  space_id uuid not null,
  model text not null,
  chunk_id uuid not null,
  collection text not null,
  embedding halfvec not null,
  primary key (space_id, model, chunk_id),
  foreign key (space_id, chunk_id) references obelisk.chunks on delete cascade
);
create index picture_vectors_by_chunk on obelisk.picture_vectors (space_id, chunk_id);
-- A vector stays in its row: all of a space are read by a search.
alter table obelisk.picture_vectors alter column embedding set storage main;
alter table obelisk.picture_vectors set (toast_tuple_target = 8160);
alter table obelisk.picture_vectors enable row level security;
alter table obelisk.picture_vectors force row level security;
grant select, insert, update, delete on obelisk.picture_vectors to obelisk_app;
create policy tenant on obelisk.picture_vectors to obelisk_app
  using (space_id = obelisk.current_space()) with check (space_id = obelisk.current_space());
grant select on obelisk.picture_vectors to obelisk_search;
create policy search on obelisk.picture_vectors for select to obelisk_search using (true);

-- The visual model that a document's pictures were looked at by, empty for none: the same bytes under
-- another model are no old acquaintance.
alter table obelisk.documents add column visual_model text not null default '';

create function obelisk.holds_pictures(p_space uuid, p_model text) returns boolean
language plpgsql as $$
begin
  perform set_config('app.space_id', p_space::text, true);
  return exists (
    select from obelisk.picture_vectors v where v.space_id = p_space and v.model = p_model);
end $$;

-- Nearest first, none under the floor. Runs as obelisk_search, for which the policies have no word; the
-- space is an explicit predicate, from the transaction's setting alone.
create function obelisk.pictures_in_space(
  p_vector halfvec, p_floor double precision, p_model text, p_collections text[],
  p_media_types text[], p_documents uuid[], p_from timestamptz, p_before timestamptz,
  p_limit integer
) returns setof obelisk.passage language plpgsql stable security definer
set search_path = obelisk, public, pg_temp set enable_seqscan = off
set max_parallel_workers_per_gather = 0 set jit = off set plan_cache_mode = force_generic_plan as $$
declare
  v_space uuid := obelisk.current_space();
  v_documents uuid[];
  v_near uuid[];
  v_likeness double precision[];
begin
  if num_nonnulls(p_media_types, p_documents, p_from, p_before) > 0 then
    v_documents := array(
      select d.document_id from obelisk.documents d
      where d.space_id = v_space
        and (p_media_types is null or d.media_type = any (p_media_types))
        and (p_documents is null or d.document_id = any (p_documents))
        and (p_from is null or d.create_time >= p_from)
        and (p_before is null or d.create_time < p_before));
  end if;
  -- Apart, so that passages are looked up for the few that are found, and for no others.
  select array_agg(n.chunk_id), array_agg(n.likeness) into v_near, v_likeness
  from (
    select v.chunk_id, -(v.embedding <#> p_vector) as likeness
    from obelisk.picture_vectors v
    where v.space_id = v_space and v.model = p_model and v.collection = any (p_collections)
      and (v.embedding <#> p_vector) <= -p_floor
      and (v_documents is null or v.chunk_id in (
        select c.chunk_id from obelisk.chunks c
        where c.space_id = v_space and c.document_id = any (v_documents)))
    order by 2 desc limit 1000
  ) n;
  return query
  select c.chunk_id, c.document_id, d.title, d.filename, c.collection, c.section_path, c.page,
         c.content, d.version, c.span_start, c.span_end,
         (row_number() over (order by n.likeness desc, c.chunk_id))::integer, null::integer, n.likeness
  from unnest(v_near, v_likeness) n (chunk_id, likeness)
  join obelisk.chunks c on c.space_id = v_space and c.chunk_id = n.chunk_id
  join obelisk.documents d
    on d.space_id = v_space and d.document_id = c.document_id and d.state = 'ready'
  order by n.likeness desc, c.chunk_id limit p_limit;
end $$;

create function obelisk.search_pictures(
  p_space uuid, p_vector halfvec, p_floor double precision, p_model text, p_collections text[],
  p_media_types text[], p_documents uuid[], p_from timestamptz, p_before timestamptz,
  p_limit integer
) returns setof obelisk.passage language plpgsql as $$
begin
  perform set_config('app.space_id', p_space::text, true);
  return query select * from obelisk.pictures_in_space(
    p_vector, p_floor, p_model, p_collections, p_media_types, p_documents, p_from, p_before, p_limit);
end $$;

grant create on schema obelisk to obelisk_search;
alter function obelisk.pictures_in_space owner to obelisk_search;
revoke create on schema obelisk from obelisk_search;
revoke all on function obelisk.pictures_in_space from public;
grant execute on function obelisk.pictures_in_space to obelisk_app;
