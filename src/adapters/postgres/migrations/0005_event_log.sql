-- The event log in weekly partitions that are dropped whole, and appends of many runs in one commit.

-- A run's id is a UUIDv7: it begins with the milliseconds of its making, so a week of runs is a range.
create function obelisk.first_run_id(p_day date) returns uuid language sql immutable parallel safe as
$$ select (lpad(to_hex(extract(epoch from p_day)::bigint * 1000), 12, '0') || repeat('0', 20))::uuid $$;

alter table obelisk.run_events rename to run_events_before;
alter index obelisk.run_events_pkey rename to run_events_before_pkey;
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
) partition by range (run_id);

-- What falls into no week that was prepared: usually nothing.
create table obelisk.run_events_other partition of obelisk.run_events default;
alter table obelisk.run_events_other enable row level security;
alter table obelisk.run_events_other force row level security;
-- Whoever migrates empties it by age; nobody else has a right on a partition.
create policy upkeep on obelisk.run_events_other to current_user using (true);

-- One week's partition. What had fallen into the default one goes where it belongs.
create function obelisk.make_event_week(p_monday date) returns void language plpgsql
set search_path = obelisk, pg_temp as $$
declare
  v_name text := 'run_events_' || to_char(p_monday, 'YYYYMMDD');
  v_from uuid := obelisk.first_run_id(p_monday);
  v_to uuid := obelisk.first_run_id(p_monday + 7);
  v_rows obelisk.run_events_other[];
begin
  with moved as (
    delete from obelisk.run_events_other e where e.run_id >= v_from and e.run_id < v_to returning e
  ) select array_agg(moved.e) into v_rows from moved;
  execute format('create table obelisk.%I partition of obelisk.run_events for values from (%L) to (%L)',
                 v_name, v_from, v_to);
  execute format('insert into obelisk.%I select (unnest($1)).*', v_name) using v_rows;
  execute format('alter table obelisk.%I enable row level security', v_name);
  execute format('alter table obelisk.%I force row level security', v_name);
end $$;
revoke all on function obelisk.make_event_week from public;

-- Weeks are told by their Mondays, in UTC. Makes those from p_current to p_newest that are missing, and
-- drops those before p_oldest. Nothing when another process is at it; error 55P03 when writers are.
create function obelisk.keep_event_weeks(p_oldest date, p_current date, p_newest date)
returns table (made integer, dropped integer) language plpgsql security definer
set search_path = obelisk, pg_temp set lock_timeout = '200ms' as $$
declare
  v_missing date[];
  v_past text[];
  v_name text;
  v_monday date;
begin
  if p_oldest > least(p_current, (clock_timestamp() at time zone 'UTC')::date)
     or p_newest > p_current + 70 then
    raise exception 'weeks that are not over cannot be dropped, nor more than ten made ahead'
      using errcode = '22023';
  end if;
  if not pg_try_advisory_xact_lock(x'0be115e'::bigint) then
    return query select 0, 0;
    return;
  end if;
  v_missing := array(
    select m from (select p_current + 7 * n from generate_series(0, (p_newest - p_current) / 7) n) w (m)
    where to_regclass('obelisk.run_events_' || to_char(m, 'YYYYMMDD')) is null order by m);
  v_past := array(
    select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
    where i.inhparent = 'obelisk.run_events'::regclass and c.relname ~ '^run_events_\d{8}$'
      and c.relname < 'run_events_' || to_char(p_oldest, 'YYYYMMDD') order by c.relname);
  if cardinality(v_missing) > 0 then
    -- In the writers' own order: whoever appends takes the runs first, then their events.
    lock table obelisk.runs in share row exclusive mode;
    lock table only obelisk.run_events in access exclusive mode;
  end if;
  foreach v_monday in array v_missing loop
    perform obelisk.make_event_week(v_monday);
  end loop;
  -- Dropped while attached: a detached table would have its foreign key made and dropped anew, and
  -- that locks the runs.
  foreach v_name in array v_past loop
    execute format('drop table obelisk.%I', v_name);
  end loop;
  delete from obelisk.run_events_other e where e.create_time < p_oldest at time zone 'UTC';
  return query select cardinality(v_missing), cardinality(v_past);
end $$;
revoke all on function obelisk.keep_event_weeks from public;
grant execute on function obelisk.keep_event_weeks to obelisk_app;

-- What there was moves into the weeks of its runs.
alter table obelisk.run_events_before no force row level security;
do $$
declare
  v_today date := (clock_timestamp() at time zone 'UTC')::date;
  v_current date := v_today - extract(isodow from v_today)::integer + 1;
  m date;
begin
  for m in
    select v_current + 7 * n from generate_series(0, 4) n
    union
    select date_trunc('week', to_timestamp(
             ('x' || left(replace(e.run_id::text, '-', ''), 12))::bit(48)::bigint / 1000.0
           ) at time zone 'UTC')::date
    from obelisk.run_events_before e
    where substr(e.run_id::text, 15, 1) = '7' and e.run_id < obelisk.first_run_id(v_today + 1)
  loop
    perform obelisk.make_event_week(m);
  end loop;
end $$;
insert into obelisk.run_events select * from obelisk.run_events_before;
drop table obelisk.run_events_before;

alter table obelisk.run_events enable row level security;
alter table obelisk.run_events force row level security;
grant select, insert, update, delete on obelisk.run_events to obelisk_app;
create policy tenant on obelisk.run_events to obelisk_app
  using (space_id = obelisk.current_space()) with check (space_id = obelisk.current_space());

-- A run's row is rewritten with each append: room beside it keeps its indexes out of that.
alter table obelisk.runs set (fillfactor = 70);

drop function obelisk.append_events;

-- The next events of runs of one space, each run by its one fenced writer. Where several are appended,
-- a row that somebody else holds is not waited for: its append is left out of the answer, to come again
-- alone. So no group holds one row while it waits for another, and none can deadlock.
create function obelisk.append_in_space(
  p_space uuid, p_runs uuid[], p_fences integer[], p_sizes integer[], p_reasons text[],
  p_answers text[], p_messages uuid[], p_version integer, p_event_runs uuid[],
  p_places integer[], p_kinds text[], p_payloads text[], p_wait boolean
) returns table (run_id uuid, first_sequence bigint, create_time timestamptz) language plpgsql
set enable_seqscan = off as $$
#variable_conflict use_column
declare
  v_answering uuid[] := array(
    select a.run from unnest(p_runs, p_answers) a (run, answer) where a.answer is not null);
  v_threads uuid[];
  v_held uuid[] := p_runs;
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
      where c.space_id = p_space and c.conversation_id = any (v_threads) for key share;
    else
      v_threads := array(
        select c.conversation_id from obelisk.conversations c
        where c.space_id = p_space and c.conversation_id = any (v_threads)
        for key share skip locked);
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
  v_now := clock_timestamp();
  return query
  with moved as (
    -- Row lock: commit order must equal sequence order, or a watcher skips one.
    update obelisk.runs r
    set last_sequence = r.last_sequence + a.size,
        state = case when a.reason is null then r.state else 'ended' end,
        termination_reason = a.reason,
        end_time = case when a.reason is null then null else v_now end
    from unnest(p_runs, p_fences, p_sizes, p_reasons) a (run, fence, size, reason)
    where r.space_id = p_space and r.run_id = any (v_held) and r.run_id = a.run
      and r.fence = a.fence and r.state = 'running'
    returning r.run_id, r.last_sequence - a.size + 1 as first_sequence, r.conversation_id
  ), logged as (
    insert into obelisk.run_events (space_id, run_id, sequence, kind, version, payload, create_time)
    select p_space, m.run_id, m.first_sequence + e.place, e.kind, p_version, e.payload, v_now
    from unnest(p_event_runs, p_places, p_kinds, p_payloads) e (run, place, kind, payload)
    join moved m on m.run_id = e.run
  ), answered as (
    insert into obelisk.messages (space_id, conversation_id, message_id, run_id, role, content)
    select p_space, m.conversation_id, a.message, m.run_id, 'assistant', a.answer
    from unnest(p_runs, p_answers, p_messages) a (run, answer, message)
    join moved m on m.run_id = a.run
    where a.answer is not null and m.conversation_id is not null
  )
  select h.run, m.first_sequence, v_now
  from unnest(v_held) h (run) left join moved m on m.run_id = h.run;
end $$;

-- One statement, one round trip, one commit for the appends of many runs: sorted by their space, each
-- run at most once. `p_appends` and `p_events` say how many of each belong to each space. Answers a row
-- for each append: its first sequence, or none where the writer has lost the run; and no row for one
-- that must come again alone.
create function obelisk.append_many(
  p_spaces uuid[], p_appends integer[], p_events integer[],
  p_runs uuid[], p_fences integer[], p_sizes integer[], p_reasons text[], p_answers text[],
  p_messages uuid[], p_version integer,
  p_event_runs uuid[], p_places integer[], p_kinds text[], p_payloads text[]
) returns table (space_id uuid, run_id uuid, first_sequence bigint, create_time timestamptz)
language plpgsql as $$
declare
  v_append integer := 1;
  v_event integer := 1;
  a integer;
  e integer;
begin
  for n in 1 .. cardinality(p_spaces) loop
    a := v_append + p_appends[n] - 1;
    e := v_event + p_events[n] - 1;
    return query
    select p_spaces[n], s.* from obelisk.append_in_space(
      p_spaces[n], p_runs[v_append:a], p_fences[v_append:a], p_sizes[v_append:a],
      p_reasons[v_append:a], p_answers[v_append:a], p_messages[v_append:a], p_version,
      p_event_runs[v_event:e], p_places[v_event:e], p_kinds[v_event:e], p_payloads[v_event:e],
      cardinality(p_runs) = 1) s;
    v_append := a + 1;
    v_event := e + 1;
  end loop;
end $$;
