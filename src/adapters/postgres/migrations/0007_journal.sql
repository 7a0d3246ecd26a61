-- What a run remembers of itself until it ends, and what a person is asked and answers meanwhile.

create table obelisk.run_journal (
  space_id uuid not null,
  run_id uuid not null,
  kind text not null check (kind in ('checkpoint', 'channel', 'write', 'tool', 'answer')),
  scope text not null,
  key text not null,
  payload bytea not null check (octet_length(payload) <= 1048576),
  primary key (space_id, run_id, kind, scope, key),
  foreign key (space_id, run_id) references obelisk.runs on delete cascade
);
-- Gone with the run, within seconds: not worth the time that it would take to compress it.
alter table obelisk.run_journal alter column payload set storage external;
alter table obelisk.run_journal enable row level security;
alter table obelisk.run_journal force row level security;
grant select, insert, update, delete on obelisk.run_journal to obelisk_app;
create policy tenant on obelisk.run_journal to obelisk_app
  using (space_id = obelisk.current_space()) with check (space_id = obelisk.current_space());

alter table obelisk.runs
  add column pause_id text, add column pause_prompt text, add column pause_time timestamptz;
create index runs_paused on obelisk.runs (pause_time) where state = 'paused';

drop function obelisk.append_many;
drop function obelisk.append_in_space;

-- Marks of runs of one space, in the order in which they came. `p_mine` are those that the writer still
-- has, locked by it: of others nothing is kept. Of those that end, nothing is left.
create function obelisk.keep_marks(
  p_space uuid, p_mine uuid[], p_ending uuid[], p_runs uuid[], p_kinds text[], p_scopes text[],
  p_keys text[], p_payloads bytea[]
) returns void language plpgsql set enable_seqscan = off as $$
begin
  if cardinality(p_runs) > 0 then
    delete from obelisk.run_journal j using unnest(p_runs, p_kinds, p_scopes) m (run, kind, scope)
    where j.space_id = p_space and j.run_id = m.run and j.kind in ('write', 'tool')
      and j.scope = m.scope and m.kind = 'checkpoint' and m.run = any (p_mine);
    insert into obelisk.run_journal (space_id, run_id, kind, scope, key, payload)
    select p_space, m.run, m.kind, m.scope, m.key, m.payload
    from unnest(p_runs, p_kinds, p_scopes, p_keys, p_payloads) m (run, kind, scope, key, payload)
    where m.run = any (p_mine) and m.run <> all (p_ending)
    on conflict (space_id, run_id, kind, scope, key) do update set payload = excluded.payload;
  end if;
  if cardinality(p_ending) > 0 then
    delete from obelisk.run_journal j
    where j.space_id = p_space and j.run_id = any (p_ending) and j.run_id = any (p_mine);
  end if;
end $$;

-- The next events of runs of one space, each run by its one fenced writer. Where several are appended,
-- a row that somebody else holds is not waited for: its append is left out of the answer, to come again
-- alone. So no group holds one row while it waits for another, and none can deadlock.
create function obelisk.append_in_space(
  p_space uuid, p_runs uuid[], p_fences integer[], p_sizes integer[], p_reasons text[],
  p_pauses text[], p_prompts text[], p_answers text[], p_messages uuid[], p_version integer,
  p_event_runs uuid[], p_places integer[], p_kinds text[], p_payloads text[],
  p_mark_runs uuid[], p_mark_kinds text[], p_mark_scopes text[], p_mark_keys text[], p_marks bytea[],
  p_wait boolean
) returns table (run_id uuid, first_sequence bigint, create_time timestamptz) language plpgsql
set enable_seqscan = off as $$
#variable_conflict use_column
declare
  v_answering uuid[] := array(
    select a.run from unnest(p_runs, p_answers) a (run, answer) where a.answer is not null);
  v_threads uuid[];
  v_held uuid[] := p_runs;
  v_ending uuid[] := array(
    select a.run from unnest(p_runs, p_reasons) a (run, reason) where a.reason is not null);
  v_now timestamptz;
begin
  perform set_config('app.space_id', p_space::text, true);
  -- The conversation before the run: whoever deletes a conversation takes them in this order.
  if cardinality(v_answering) > 0 then
    v_threads := array(
      select r.conversation_id from obelisk.runs r
      where r.space_id = p_space and r.run_id = any (v_answering) and r.conversation_id is not null);
    if p_wait then
      perform from obelisk.conversations c
      where c.space_id = p_space and c.conversation_id = any (v_threads) for no key update;
    else
      v_threads := array(
        select c.conversation_id from obelisk.conversations c
        where c.space_id = p_space and c.conversation_id = any (v_threads)
        for no key update skip locked);
    end if;
  end if;
  if not p_wait then
    v_held := array(
      select r.run_id from obelisk.runs r
      where r.space_id = p_space and r.run_id = any (p_runs)
        and (r.run_id <> all (v_answering) or r.conversation_id is null
             or r.conversation_id = any (v_threads))
      for no key update skip locked);
  end if;
  if cardinality(p_mark_runs) + cardinality(v_ending) > 0 then
    perform obelisk.keep_marks(
      p_space, array(
        select r.run_id from obelisk.runs r
        join unnest(p_runs, p_fences) a (run, fence) on r.run_id = a.run and r.fence = a.fence
        where r.space_id = p_space and r.run_id = any (v_held) and r.state = 'running'
          and r.run_id = any (p_mark_runs || v_ending)
        for no key update of r),
      v_ending, p_mark_runs, p_mark_kinds, p_mark_scopes, p_mark_keys, p_marks);
  end if;
  v_now := clock_timestamp();
  return query
  with moved as (
    -- Row lock: commit order must equal sequence order, or a watcher skips one.
    update obelisk.runs r
    set last_sequence = r.last_sequence + a.size,
        -- One that is to stop waits for nobody's answer, but for whoever ends it.
        state = case when a.reason is not null then 'ended' when a.pause is null then r.state
                     when r.cancel_requested then 'queued' else 'paused' end,
        pause_id = case when not r.cancel_requested then a.pause end,
        pause_prompt = case when not r.cancel_requested then a.prompt end,
        pause_time = case when not r.cancel_requested and a.pause is not null then v_now end,
        worker_id = case when coalesce(a.reason, a.pause) is null then r.worker_id end,
        termination_reason = a.reason,
        end_time = case when a.reason is null then null else v_now end
    from unnest(p_runs, p_fences, p_sizes, p_reasons, p_pauses, p_prompts)
         a (run, fence, size, reason, pause, prompt)
    where r.space_id = p_space and r.run_id = any (v_held) and r.run_id = a.run
      and r.fence = a.fence and r.state = 'running'
    returning r.run_id, r.last_sequence - a.size + 1 as first_sequence, r.conversation_id, r.turn
  ), logged as (
    insert into obelisk.run_events (space_id, run_id, sequence, kind, version, payload, create_time)
    select p_space, m.run_id, m.first_sequence + e.place, e.kind, p_version, e.payload, v_now
    from unnest(p_event_runs, p_places, p_kinds, p_payloads) e (run, place, kind, payload)
    join moved m on m.run_id = e.run
  ), answered as (
    insert into obelisk.messages (
      space_id, conversation_id, message_id, run_id, role, content, turn)
    select p_space, m.conversation_id, a.message, m.run_id, 'assistant', a.answer, m.turn
    from unnest(p_runs, p_answers, p_messages) a (run, answer, message)
    join moved m on m.run_id = a.run
    where a.answer is not null and m.conversation_id is not null
  )
  select h.run, m.first_sequence, v_now
  from unnest(v_held) h (run) left join moved m on m.run_id = h.run;
  -- What was to be approved and nobody has is no answer, however its run ended.
  if array_length(array_remove(array_remove(p_reasons, null), 'complete'), 1) > 0 then
    delete from obelisk.messages m
    using obelisk.runs r, unnest(p_runs, p_fences, p_reasons) a (run, fence, reason)
    where r.space_id = p_space and r.run_id = a.run and r.fence = a.fence
      and a.reason <> 'complete' and (r.require_approval or a.reason in ('rejected', 'expired'))
      and r.termination_reason = a.reason and m.space_id = p_space
      and m.conversation_id = r.conversation_id and m.run_id = r.run_id and m.role = 'assistant';
  end if;
end $$;

-- One statement, one round trip, one commit for the appends of many runs: sorted by their space, each
-- run at most once. `p_appends`, `p_events` and `p_mark_counts` say how many of
-- each belong to each space. Answers a row
-- for each append: its first sequence, or none where the writer has lost the run; and no row for one
-- that must come again alone.
create function obelisk.append_many(
  p_spaces uuid[], p_appends integer[], p_events integer[], p_mark_counts integer[],
  p_runs uuid[], p_fences integer[], p_sizes integer[], p_reasons text[], p_pauses text[],
  p_prompts text[], p_answers text[], p_messages uuid[], p_version integer,
  p_event_runs uuid[], p_places integer[], p_kinds text[], p_payloads text[],
  p_mark_runs uuid[], p_mark_kinds text[], p_mark_scopes text[], p_mark_keys text[], p_marks bytea[]
) returns table (space_id uuid, run_id uuid, first_sequence bigint, create_time timestamptz)
language plpgsql as $$
declare
  v_append integer := 1;
  v_event integer := 1;
  v_mark integer := 1;
  a integer;
  e integer;
  m integer;
begin
  for n in 1 .. cardinality(p_spaces) loop
    a := v_append + p_appends[n] - 1;
    e := v_event + p_events[n] - 1;
    m := v_mark + p_mark_counts[n] - 1;
    return query
    select p_spaces[n], s.* from obelisk.append_in_space(
      p_spaces[n], p_runs[v_append:a], p_fences[v_append:a], p_sizes[v_append:a],
      p_reasons[v_append:a], p_pauses[v_append:a], p_prompts[v_append:a], p_answers[v_append:a],
      p_messages[v_append:a], p_version,
      p_event_runs[v_event:e], p_places[v_event:e], p_kinds[v_event:e], p_payloads[v_event:e],
      p_mark_runs[v_mark:m], p_mark_kinds[v_mark:m], p_mark_scopes[v_mark:m], p_mark_keys[v_mark:m],
      p_marks[v_mark:m],
      cardinality(p_runs) = 1) s;
    v_append := a + 1;
    v_event := e + 1;
    v_mark := m + 1;
  end loop;
end $$;

-- A person's answer to the pause that the run has: it becomes the run's next event, and the run waits for
-- a process again. It had come as far as it could, so that attempt was not spent. Nothing when it does not
-- have that pause.
create function obelisk.answer_pause(
  p_space uuid, p_run uuid, p_pause text, p_version integer, p_kind text, p_payload text, p_answer bytea
) returns table (sequence bigint, create_time timestamptz) language plpgsql as $$
#variable_conflict use_column
declare
  v_now timestamptz := clock_timestamp();
  v_last bigint;
begin
  perform set_config('app.space_id', p_space::text, true);
  update obelisk.runs r
  set state = 'queued', pause_id = null, pause_prompt = null, pause_time = null,
      last_sequence = r.last_sequence + 1,
      attempts = greatest(r.attempts - 1, 0)
  where r.space_id = p_space and r.run_id = p_run and r.state = 'paused' and r.pause_id = p_pause
    and not r.cancel_requested
  returning r.last_sequence into v_last;
  if not found then
    return;
  end if;
  insert into obelisk.run_events (space_id, run_id, sequence, kind, version, payload, create_time)
  values (p_space, p_run, v_last, p_kind, p_version, p_payload, v_now);
  insert into obelisk.run_journal (space_id, run_id, kind, scope, key, payload)
  values (p_space, p_run, 'answer', '', p_pause, p_answer)
  on conflict (space_id, run_id, kind, scope, key) do update set payload = excluded.payload;
  perform obelisk.wake_workers();
  return query select v_last, v_now;
end $$;

-- Runs that wait for a person since before then, longest first.
create function obelisk.old_pauses(p_before timestamptz, p_limit integer)
returns table (space_id uuid, run_id uuid) language sql stable security definer
set search_path = obelisk, pg_temp set enable_seqscan = off as $$
  select r.space_id, r.run_id from obelisk.runs r
  where r.state = 'paused' and r.pause_time < p_before order by r.pause_time limit p_limit;
$$;
grant create on schema obelisk to obelisk_system;
alter function obelisk.old_pauses owner to obelisk_system;
revoke create on schema obelisk from obelisk_system;
revoke all on function obelisk.old_pauses from public;
grant execute on function obelisk.old_pauses to obelisk_app;

-- A run that still waits since before then is to stop: it waits for whoever ends it.
create function obelisk.expire_pause(p_space uuid, p_run uuid, p_before timestamptz) returns boolean
language plpgsql as $$
begin
  perform set_config('app.space_id', p_space::text, true);
  update obelisk.runs r
  set state = 'queued', cancel_requested = true, cancel_reason = coalesce(r.cancel_reason, 'expired')
  where r.space_id = p_space and r.run_id = p_run and r.state = 'paused' and r.pause_time < p_before;
  return found;
end $$;
