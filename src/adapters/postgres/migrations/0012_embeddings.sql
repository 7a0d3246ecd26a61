-- Which embedding model serves: a new one is filled in beside it, then takes its place in one moment, and
-- only later do the old one's vectors go.

create table obelisk.embedding_models (
  model text primary key,
  state text not null check (state in ('filling', 'serving', 'leaving')),
  change_time timestamptz not null default clock_timestamp(),
  filler uuid,
  filler_expire_time timestamptz
);
create unique index embedding_models_serving on obelisk.embedding_models (state)
  where state = 'serving';
alter table obelisk.embedding_models enable row level security;
alter table obelisk.embedding_models force row level security;
grant select, insert, update, delete on obelisk.embedding_models to obelisk_system;
create policy system on obelisk.embedding_models to obelisk_system using (true) with check (true);

create function obelisk.serving_embeddings() returns text language sql stable security definer
set search_path = obelisk, pg_temp as $$
  select m.model from obelisk.embedding_models m where m.state = 'serving';
$$;

-- Whether this process is to fill in the model's vectors, for the time given.
create function obelisk.fill_embeddings(p_model text, p_filler uuid, p_lease interval)
returns boolean language plpgsql security definer set search_path = obelisk, pg_temp as $$
begin
  insert into obelisk.embedding_models (model, state) values (p_model, 'filling')
  on conflict (model) do update set state = 'filling', change_time = clock_timestamp()
  where embedding_models.state = 'leaving';
  update obelisk.embedding_models m
  set filler = p_filler, filler_expire_time = clock_timestamp() + p_lease
  where m.model = p_model
    and (m.filler is null or m.filler = p_filler or m.filler_expire_time < clock_timestamp());
  return found;
end $$;

-- The model serves from here on, and the one before it no longer.
create function obelisk.serve_embeddings(p_model text) returns void language plpgsql
security definer set search_path = obelisk, pg_temp as $$
begin
  lock table obelisk.embedding_models in share row exclusive mode;
  update obelisk.embedding_models m set state = 'leaving', change_time = clock_timestamp()
  where m.state = 'serving' and m.model <> p_model;
  insert into obelisk.embedding_models (model, state) values (p_model, 'serving')
  on conflict (model) do update set state = 'serving', change_time = clock_timestamp()
  where embedding_models.state <> 'serving';
end $$;

-- Models that have served, and whose vectors nobody can be searching any more.
create function obelisk.left_embeddings(p_grace interval) returns setof text language sql stable
security definer set search_path = obelisk, pg_temp as $$
  select m.model from obelisk.embedding_models m
  where m.state = 'leaving' and m.change_time < clock_timestamp() - p_grace;
$$;

create function obelisk.forget_embeddings(p_model text) returns void language sql
security definer set search_path = obelisk, pg_temp as $$
  delete from obelisk.embedding_models m where m.model = p_model and m.state = 'leaving';
$$;

-- Passages after a place in the order of their keys that have no vector of a model, of all spaces, by ids.
create function obelisk.passages_without(
  p_model text, p_after_space uuid, p_after_chunk uuid, p_limit integer
) returns table (space_id uuid, chunk_id uuid) language sql stable security definer
set search_path = obelisk, public, pg_temp as $$
  select c.space_id, c.chunk_id from obelisk.chunks c
  where (c.space_id, c.chunk_id) > (p_after_space, p_after_chunk)
    and not exists (select from obelisk.chunk_vectors v
                    where v.space_id = c.space_id and v.model = p_model and v.chunk_id = c.chunk_id)
  order by c.space_id, c.chunk_id limit p_limit;
$$;

-- The spaces that have vectors of a model.
create function obelisk.spaces_of_embeddings(p_model text) returns setof uuid language sql stable
security definer set search_path = obelisk, public, pg_temp as $$
  select s.space_id from (select distinct c.space_id from obelisk.chunk_vectors c) s
  where exists (select from obelisk.chunk_vectors v
                where v.space_id = s.space_id and v.model = p_model);
$$;

-- An upload's parts, by the ids of their bytes, and what has become of it.
alter table obelisk.document_uploads
  drop column part_count,
  add column parts uuid[] not null default '{}',
  add column document_id uuid;
grant select on obelisk.document_uploads to obelisk_system;
create policy expiry on obelisk.document_uploads for select to obelisk_system using (true);

-- Uploads whose time is over, of all spaces, by ids.
create function obelisk.expired_uploads(p_now timestamptz, p_limit integer)
returns table (space_id uuid, upload_id uuid) language sql stable security definer
set search_path = obelisk, pg_temp as $$
  select u.space_id, u.upload_id from obelisk.document_uploads u
  where u.expire_time <= p_now order by u.expire_time limit p_limit;
$$;

-- Whoever publishes holds the space before its documents, in the order of who erases it: its words are
-- counted in a row that hangs on the space.
create function obelisk.hold_space(p_space uuid) returns void language plpgsql security definer
set search_path = obelisk, pg_temp as $$
begin
  perform from obelisk.spaces s where s.space_id = p_space for key share;
end $$;

grant create on schema obelisk to obelisk_system, obelisk_search;
alter function obelisk.expired_uploads owner to obelisk_system;
alter function obelisk.hold_space owner to obelisk_system;
revoke all on function obelisk.expired_uploads, obelisk.hold_space from public;
grant execute on function obelisk.expired_uploads, obelisk.hold_space to obelisk_app;
alter function obelisk.serving_embeddings owner to obelisk_system;
alter function obelisk.fill_embeddings owner to obelisk_system;
alter function obelisk.serve_embeddings owner to obelisk_system;
alter function obelisk.left_embeddings owner to obelisk_system;
alter function obelisk.forget_embeddings owner to obelisk_system;
alter function obelisk.passages_without owner to obelisk_search;
alter function obelisk.spaces_of_embeddings owner to obelisk_search;
revoke create on schema obelisk from obelisk_system, obelisk_search;
revoke all on function obelisk.serving_embeddings, obelisk.fill_embeddings, obelisk.serve_embeddings,
  obelisk.left_embeddings, obelisk.forget_embeddings, obelisk.passages_without,
  obelisk.spaces_of_embeddings from public;
grant execute on function obelisk.serving_embeddings, obelisk.fill_embeddings, obelisk.serve_embeddings,
  obelisk.left_embeddings, obelisk.forget_embeddings, obelisk.passages_without,
  obelisk.spaces_of_embeddings to obelisk_app;
