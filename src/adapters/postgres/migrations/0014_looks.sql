-- A document that is READY tells what was left out of it. Its pictures can be looked at later than its text
-- is read: because the model that looks was away, or because another one has taken its place.

alter table obelisk.documents
  add column warnings text[] not null default '{}',
  -- Of the converted text: by it, passages and pictures that were read apart are known to be of one text.
  add column text_sha256 text not null default '',
  -- Null where nobody has counted: documents read before there was this column.
  add column picture_count integer,
  -- `looks` of `look_model` have begun and come to no end; `look_delays` came to nothing because the model
  -- was away. Nobody looks before `look_time`.
  add column look_model text not null default '',
  add column looks integer not null default 0,
  add column look_delays integer not null default 0,
  add column look_time timestamptz;
create index documents_with_pictures on obelisk.documents (visual_model, space_id, document_id)
  where state = 'ready' and picture_count is distinct from 0;

-- Documents whose pictures a model has not looked at and may look at now, by ids: one of a space, the
-- spaces in no order, so that none comes before the others. None while a document waits to be read.
create function obelisk.unseen_documents(p_model text, p_most_looks integer, p_limit integer)
returns table (space_id uuid, document_id uuid) language sql security definer
set search_path = obelisk, pg_temp set enable_seqscan = off as $$
  with unseen as (
    select distinct on (d.space_id) d.space_id, d.document_id
    from (
      -- Two ranges of the index: nearly all documents lie between them.
      select * from obelisk.documents b
      where b.state = 'ready' and b.picture_count is distinct from 0 and b.visual_model < p_model
      union all
      select * from obelisk.documents a
      where a.state = 'ready' and a.picture_count is distinct from 0 and a.visual_model > p_model
    ) d
    where (d.look_time is null or d.look_time <= clock_timestamp())
      and (d.look_model <> p_model or d.looks <= p_most_looks)
    order by d.space_id, d.look_time nulls first, d.document_id
  )
  select u.space_id, u.document_id from unseen u
  where not exists (
    select from obelisk.documents w
    where w.state not in ('ready', 'failed') and w.state = 'pending'
      and (w.retry_time is null or w.retry_time <= clock_timestamp()))
  order by random() limit p_limit;
$$;
grant create on schema obelisk to obelisk_search;
alter function obelisk.unseen_documents owner to obelisk_search;
revoke create on schema obelisk from obelisk_search;
revoke all on function obelisk.unseen_documents from public;
grant execute on function obelisk.unseen_documents to obelisk_app;
