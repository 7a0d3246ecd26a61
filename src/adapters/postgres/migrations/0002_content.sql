-- Documents with passages and vectors, conversations, runs and their event logs.
-- Every table leads with the space, and so does every key and foreign key.

create table obelisk.documents (
  space_id uuid not null references obelisk.spaces on delete cascade,
  document_id uuid not null,
  filename text not null,
  title text not null,
  media_type text not null,
  collection text not null,
  size_bytes bigint not null,
  content_sha256 text not null,
  state text not null,
  chunk_count integer not null default 0,
  page_count integer not null default 0,
  failure text not null default '',
  create_time timestamptz not null,
  update_time timestamptz not null default now(),
  primary key (space_id, document_id)
);
create index documents_by_filename on obelisk.documents (space_id, filename);
create index documents_unfinished on obelisk.documents (document_id)
  where state not in ('ready', 'failed');

create table obelisk.chunks (
  space_id uuid not null,
  chunk_id uuid not null,
  document_id uuid not null,
  ordinal integer not null,
  kind text not null,
  collection text not null,
  section_path text[] not null,
  page integer,
  content text not null,
  token_count integer not null,
  words tsvector not null,
  primary key (space_id, chunk_id),
  foreign key (space_id, document_id) references obelisk.documents on delete cascade
);
create index chunks_by_document on obelisk.chunks (space_id, document_id, ordinal);
create index chunks_words on obelisk.chunks using gin (space_id, words) with (fastupdate = off);

-- Narrow, so that the first pass reads sign bits from the index alone; vectors only for the best.
create table obelisk.chunk_vectors (
  space_id uuid not null,
  model text not null,
  chunk_id uuid not null,
  collection text not null,
  embedding halfvec not null,
  bits bit varying not null generated always as (binary_quantize(embedding)) stored,
  primary key (space_id, model, chunk_id) include (collection, bits),
  foreign key (space_id, chunk_id) references obelisk.chunks on delete cascade
);
create index chunk_vectors_by_chunk on obelisk.chunk_vectors (space_id, chunk_id);

create table obelisk.conversations (
  space_id uuid not null references obelisk.spaces on delete cascade,
  conversation_id uuid not null,
  title text not null,
  create_time timestamptz not null,
  primary key (space_id, conversation_id)
);

create table obelisk.runs (
  space_id uuid not null references obelisk.spaces on delete cascade,
  run_id uuid not null,
  user_id uuid not null,
  agent text not null,
  question text not null,
  conversation_id uuid,
  document_ids uuid[] not null,
  request_id text,
  fingerprint text not null,
  state text not null,
  termination_reason text,
  last_sequence bigint not null,
  fence integer not null default 0,
  cancel_requested boolean not null default false,
  create_time timestamptz not null,
  end_time timestamptz,
  primary key (space_id, run_id),
  unique (space_id, request_id),
  foreign key (space_id, conversation_id) references obelisk.conversations
    on delete set null (conversation_id)
);
create index runs_unfinished on obelisk.runs (run_id) where state <> 'ended';
create index runs_by_conversation on obelisk.runs (space_id, conversation_id);

create table obelisk.run_events (
  space_id uuid not null,
  run_id uuid not null,
  sequence bigint not null check (sequence >= 1),
  kind text not null,
  version smallint not null,
  payload text not null,
  create_time timestamptz not null,
  primary key (space_id, run_id, sequence),
  foreign key (space_id, run_id) references obelisk.runs on delete cascade
);

create table obelisk.messages (
  space_id uuid not null,
  conversation_id uuid not null,
  message_id uuid not null,
  run_id uuid not null,
  role text not null,
  content text not null,
  create_time timestamptz not null default now(),
  primary key (space_id, conversation_id, message_id),
  foreign key (space_id, conversation_id) references obelisk.conversations on delete cascade
);

do $$
declare
  t text;
begin
  foreach t in array array['documents', 'chunks', 'chunk_vectors', 'conversations', 'runs',
                           'run_events', 'messages'] loop
    execute format('alter table obelisk.%I enable row level security', t);
    execute format('alter table obelisk.%I force row level security', t);
    execute format('grant select, insert, update, delete on obelisk.%I to obelisk_app', t);
    execute format(
      'create policy tenant on obelisk.%I to obelisk_app using (space_id = obelisk.current_space())'
      ' with check (space_id = obelisk.current_space())', t);
  end loop;
end $$;

-- Recovery asks across spaces, and learns nothing but which work is unfinished.
grant select on obelisk.runs, obelisk.documents to obelisk_system;
create policy recovery on obelisk.runs for select to obelisk_system using (state <> 'ended');
create policy recovery on obelisk.documents for select to obelisk_system
  using (state not in ('ready', 'failed'));

create function obelisk.unfinished_runs() returns table (space_id uuid, run_id uuid)
language sql stable security definer set search_path = obelisk, pg_temp as $$
  select r.space_id, r.run_id from obelisk.runs r where r.state <> 'ended' order by r.run_id;
$$;

create function obelisk.unfinished_documents() returns table (space_id uuid, document_id uuid)
language sql stable security definer set search_path = obelisk, pg_temp as $$
  select d.space_id, d.document_id from obelisk.documents d
  where d.state not in ('ready', 'failed') order by d.document_id;
$$;

alter function obelisk.unfinished_runs owner to obelisk_system;
alter function obelisk.unfinished_documents owner to obelisk_system;
revoke all on function obelisk.unfinished_runs, obelisk.unfinished_documents from public;
grant execute on function obelisk.unfinished_runs, obelisk.unfinished_documents to obelisk_app;

-- One statement, one round trip, one commit: the next events of a run by its one fenced writer.
create function obelisk.append_events(
  p_space uuid, p_run uuid, p_fence integer, p_version integer, p_kinds text[], p_payloads text[],
  p_reason text, p_answer text, p_message uuid
) returns table (first_sequence bigint, create_time timestamptz) language plpgsql as $$
declare
  v_last bigint;
  v_conversation uuid;
  v_now timestamptz := clock_timestamp();
begin
  perform set_config('app.space_id', p_space::text, true);
  -- Row lock: commit order must equal sequence order, or a watcher skips one.
  update obelisk.runs r
  set last_sequence = r.last_sequence + cardinality(p_kinds),
      state = case when p_reason is null then r.state else 'ended' end,
      termination_reason = p_reason,
      end_time = case when p_reason is null then null else v_now end
  where r.space_id = p_space and r.run_id = p_run and r.fence = p_fence and r.state = 'running'
  returning r.last_sequence, r.conversation_id into v_last, v_conversation;
  if not found then
    raise exception 'the run has another writer, or has ended' using errcode = 'OB001';
  end if;
  insert into obelisk.run_events (space_id, run_id, sequence, kind, version, payload, create_time)
  select p_space, p_run, v_last - cardinality(p_kinds) + n, kind, p_version, payload, v_now
  from unnest(p_kinds, p_payloads) with ordinality as e (kind, payload, n);
  if p_answer is not null and v_conversation is not null then
    insert into obelisk.messages (space_id, conversation_id, message_id, run_id, role, content)
    values (p_space, v_conversation, p_message, p_run, 'assistant', p_answer);
  end if;
  return query select v_last - cardinality(p_kinds) + 1, v_now;
end $$;
