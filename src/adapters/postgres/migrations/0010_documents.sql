-- Documents have versions and a language, tell how far they are, and are tried again; what is hidden in
-- them waits for a person; an upload can go on where it broke off.

alter table obelisk.documents
  add column version integer not null default 1 check (version >= 1),
  add column language text not null default 'english',
  add column stage_done integer not null default 0,
  add column stage_total integer not null default 0,
  add column retries integer not null default 0,
  add column retry_time timestamptz,
  add column fence integer not null default 0;
grant update (fence) on obelisk.documents to obelisk_system;

-- Which file of a name came after which; the table's owner is under its policies like everybody else.
alter table obelisk.documents no force row level security;
update obelisk.documents d set version = n.version
from (select space_id, document_id,
             row_number() over (partition by space_id, filename order by document_id) as version
      from obelisk.documents) n
where d.space_id = n.space_id and d.document_id = n.document_id and n.version > 1;
alter table obelisk.documents force row level security;
drop index obelisk.documents_by_filename;
create unique index documents_by_filename on obelisk.documents (space_id, filename, version);

-- Characters of the document's plain text, half open; nothing is known of passages made before.
alter table obelisk.chunks
  add column span_start integer not null default 0,
  add column span_end integer not null default 0;

-- Text that a reader of the file does not see. It is no passage until a person lets it be one; then
-- `chunk_ids` are its passages.
create table obelisk.document_findings (
  space_id uuid not null,
  document_id uuid not null,
  ordinal integer not null check (ordinal >= 0),
  kind text not null,
  page integer,
  content text not null,
  decision text not null default 'pending' check (decision in ('pending', 'allowed', 'removed')),
  decided_by uuid,
  decide_time timestamptz,
  chunk_ids uuid[] not null default '{}',
  primary key (space_id, document_id, ordinal),
  foreign key (space_id, document_id) references obelisk.documents on delete cascade
);

-- An upload in parts, of which `received_bytes` are kept. Nothing is left of it once it is a document.
create table obelisk.document_uploads (
  space_id uuid not null references obelisk.spaces on delete cascade,
  upload_id uuid not null,
  filename text not null,
  collection text not null,
  size_bytes bigint not null check (size_bytes >= 1),
  received_bytes bigint not null default 0 check (received_bytes between 0 and size_bytes),
  part_count integer not null default 0,
  create_time timestamptz not null,
  expire_time timestamptz not null,
  primary key (space_id, upload_id)
);
create index document_uploads_by_expiry on obelisk.document_uploads (expire_time);

do $$
declare
  t text;
begin
  foreach t in array array['document_findings', 'document_uploads'] loop
    execute format('alter table obelisk.%I enable row level security', t);
    execute format('alter table obelisk.%I force row level security', t);
    execute format('grant select, insert, update, delete on obelisk.%I to obelisk_app', t);
    execute format(
      'create policy tenant on obelisk.%I to obelisk_app using (space_id = obelisk.current_space())'
      ' with check (space_id = obelisk.current_space())', t);
  end loop;
end $$;

-- Takes up documents that nobody is at work on and whose time has come, of spaces with few at work first.
-- Whoever had one before has lost it with its fence. What a worker itself had before has spent no further
-- attempt, unless its work broke.
drop function obelisk.claim_documents;
create function obelisk.claim_documents(
  p_worker uuid, p_room integer, p_at_work uuid[], p_broken uuid[])
returns table (space_id uuid, document_id uuid, fence integer, attempts integer)
language sql security definer set search_path = obelisk, pg_temp as $$
  -- Once and for all: what is joined to the table may be asked again for each of its rows.
  with next as materialized (
    select o.space_id, o.document_id from obelisk.documents o
    join (
      select u.space_id, u.document_id, u.busy,
             row_number() over (partition by u.space_id order by not u.busy, u.document_id) as place
      from (select b.space_id, b.document_id, b.retry_time,
                   obelisk.is_busy(b.worker_id, p_worker, b.document_id = any (p_at_work)) as busy
            from obelisk.documents b where b.state not in ('ready', 'failed')) u
      where u.busy or u.retry_time is null or u.retry_time <= clock_timestamp()
    ) f using (space_id, document_id)
    where not f.busy and o.state not in ('ready', 'failed')
      and not obelisk.is_busy(o.worker_id, p_worker, o.document_id = any (p_at_work))
    order by f.place, o.document_id limit p_room
    for update of o skip locked
  )
  update obelisk.documents d set
    worker_id = p_worker, fence = d.fence + 1,
    attempts = d.attempts
      + (d.worker_id is distinct from p_worker or d.document_id = any (p_broken))::integer
  from next n
  where d.space_id = n.space_id and d.document_id = n.document_id
  returning d.space_id, d.document_id, d.fence, d.attempts;
$$;
grant create on schema obelisk to obelisk_system;
alter function obelisk.claim_documents owner to obelisk_system;
revoke create on schema obelisk from obelisk_system;
revoke all on function obelisk.claim_documents from public;
grant execute on function obelisk.claim_documents to obelisk_app;
