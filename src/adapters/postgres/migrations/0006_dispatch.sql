-- Runs and documents are shared out between processes: who is alive, who does what, who is next.

-- One row for each process, renewed as long as it lives. It knows nothing of any tenant.
create table obelisk.workers (
  worker_id uuid primary key,
  kind text not null check (kind in ('server', 'worker')),
  start_time timestamptz not null default clock_timestamp(),
  expire_time timestamptz not null
);
alter table obelisk.workers enable row level security;
alter table obelisk.workers force row level security;
grant select, insert, update, delete on obelisk.workers to obelisk_system;
create policy system on obelisk.workers to obelisk_system using (true) with check (true);

-- Turns of a conversation and what was said in it are numbered here, under a lock on the conversation:
-- in the order of their commits, which is no process's clock's to say.
create sequence obelisk.talk_order;
grant usage on sequence obelisk.talk_order to obelisk_app;
-- `turn` is the place of the question; its answer has the same one, and a later place.
alter table obelisk.messages
  add column place bigint not null default nextval('obelisk.talk_order'),
  add column turn bigint not null;
create index messages_by_turn on obelisk.messages (space_id, conversation_id, turn, place);
create index messages_by_place on obelisk.messages (space_id, conversation_id, place);

-- `lost_by` is the worker from which the run was taken last, because it counted as gone.
alter table obelisk.runs
  add column turn bigint not null default 0,
  add column worker_id uuid,
  add column lost_by uuid,
  add column attempts integer not null default 0,
  add column cancel_reason text,
  add column require_approval boolean not null default false;
update obelisk.runs set attempts = fence;
alter table obelisk.documents
  add column worker_id uuid,
  add column attempts integer not null default 0;

drop function obelisk.unfinished_runs;
drop function obelisk.unfinished_documents;
drop index obelisk.runs_unfinished;
create index runs_queued on obelisk.runs (space_id, run_id) where state = 'queued';
create index runs_running on obelisk.runs (space_id) where state = 'running';
create index runs_by_worker on obelisk.runs (worker_id) where state = 'running';
create index runs_open on obelisk.runs (space_id, conversation_id, run_id)
  where state <> 'ended' and conversation_id is not null;

-- What is shared out is chosen across spaces by obelisk_system, which sees no ended run, and may change
-- who has a run or a document and nothing else of it.
grant update (state, worker_id, attempts, lost_by) on obelisk.runs to obelisk_system;
create policy dispatch on obelisk.runs for update to obelisk_system
  using (state = 'running') with check (state = 'queued');
grant update (worker_id, attempts) on obelisk.documents to obelisk_system;
create policy dispatch on obelisk.documents for update to obelisk_system
  using (state not in ('ready', 'failed')) with check (state not in ('ready', 'failed'));

-- Queued runs whose turn it could be: a conversation is answered one question at a time, in order. One
-- that is only there to be ended keeps nobody waiting.
create view obelisk.claimable_runs with (security_invoker = true) as
select r.space_id, r.run_id from obelisk.runs r
where r.state = 'queued' and (r.cancel_requested or not exists (
  select from obelisk.runs e
  where e.space_id = r.space_id and e.conversation_id = r.conversation_id and e.run_id <> r.run_id
    and (e.state in ('running', 'paused')
         or e.state = 'queued' and not e.cancel_requested and e.turn < r.turn)));
grant select on obelisk.claimable_runs to obelisk_app, obelisk_system;

-- Whoever takes up runs of a space, or lets one in that begins at once, holds this: so they count right.
create function obelisk.space_lock(p_space uuid) returns bigint language sql immutable parallel safe as
$$ select hashtextextended(p_space::text, 195) $$;

create function obelisk.is_alive(p_worker uuid) returns boolean language sql stable as $$
  select exists (select from obelisk.workers w
                 where w.worker_id = p_worker and w.expire_time > clock_timestamp());
$$;

create function obelisk.a_worker_lives() returns boolean language sql stable security definer
set search_path = obelisk, pg_temp as $$
  select exists (select from obelisk.workers w
                 where w.kind = 'worker' and w.expire_time > clock_timestamp());
$$;

-- Tells processes of kind 'worker' that there is work, once this transaction commits. The job says
-- nothing else, and nobody's work depends on its arrival.
create function obelisk.wake_workers() returns void language plpgsql
set search_path = procrastinate, pg_temp as $$
begin
  if obelisk.a_worker_lives() then
    perform procrastinate_defer_jobs_v1(array[
      row('obelisk', 'dispatch', 0, null, null, '{}', null)::procrastinate_job_to_defer_v1]);
  end if;
end $$;

-- A new run with event 1 and its question, in one round trip and one commit. With a worker it is that
-- worker's at once, if it is its turn and the space has room; else it waits. Answers an outcome (created,
-- repeated, busy, full, no_conversation), the run, and the runs that it takes the place of.
create function obelisk.accept_run(
  p_space uuid, p_run uuid, p_user uuid, p_agent text, p_question text, p_conversation uuid,
  p_documents uuid[], p_request text, p_fingerprint text, p_create_time timestamptz,
  p_require_approval boolean, p_double_text text, p_running_limit integer, p_queue_limit integer,
  p_worker uuid, p_message uuid, p_kind text, p_version integer, p_payload text
) returns table (outcome text, superseded uuid[], accepted obelisk.runs) language plpgsql
set enable_seqscan = off as $$
declare
  v_run obelisk.runs;
  v_open uuid[] := '{}';
  v_blocked boolean := false;
  v_begins boolean;
  v_waiting bigint;
  v_turn bigint := 0;
begin
  perform set_config('app.space_id', p_space::text, true);
  if p_conversation is not null then
    -- The space before what is in it: whoever erases it takes them in this order.
    perform obelisk.hold_space(p_space);
    -- One question at a time is let into a conversation; answers go on being added to it.
    perform from obelisk.conversations c
    where c.space_id = p_space and c.conversation_id = p_conversation for no key update;
    if not found then
      return query select 'no_conversation', null::uuid[], null::obelisk.runs;
      return;
    end if;
  end if;
  if p_request is not null then
    select * into v_run from obelisk.runs r where r.space_id = p_space and r.request_id = p_request;
    if found then
      return query select 'repeated', null::uuid[], v_run;
      return;
    end if;
  end if;
  if p_conversation is not null then
    v_open := array(
      select r.run_id from obelisk.runs r
      where r.space_id = p_space and r.conversation_id = p_conversation and r.state <> 'ended'
        and not (r.state = 'queued' and r.cancel_requested)
      order by r.run_id);
    v_blocked := cardinality(v_open) > 0 and p_double_text <> 'rollback';
    if cardinality(v_open) > 0 and p_double_text = 'reject' then
      return query select 'busy', null::uuid[], null::obelisk.runs;
      return;
    end if;
  end if;
  v_begins := p_worker is not null and not v_blocked
    and not exists (select from obelisk.claimable_runs c where c.space_id = p_space)
    and pg_try_advisory_xact_lock(obelisk.space_lock(p_space))
    and (select count(*) from obelisk.runs r where r.space_id = p_space and r.state = 'running')
        < p_running_limit;
  if not v_begins then
    -- Those who wait are counted one after the other: a group of starts brings many that others cannot see.
    perform pg_advisory_xact_lock(obelisk.space_lock(p_space) # 1);
    select count(*) into v_waiting from obelisk.runs r
    where r.space_id = p_space and r.state = 'queued';
    if v_waiting >= p_queue_limit then
      return query select 'full', null::uuid[], null::obelisk.runs;
      return;
    end if;
  end if;
  if p_conversation is not null then
    v_turn := nextval('obelisk.talk_order');
  end if;
  insert into obelisk.runs (
    space_id, run_id, user_id, agent, question, conversation_id, document_ids, request_id, fingerprint,
    state, last_sequence, create_time, require_approval, fence, attempts, worker_id, turn)
  values (
    p_space, p_run, p_user, p_agent, p_question, p_conversation, p_documents, p_request, p_fingerprint,
    case when v_begins then 'running' else 'queued' end, 1, p_create_time, p_require_approval,
    v_begins::integer, v_begins::integer, case when v_begins then p_worker end, v_turn)
  on conflict (space_id, request_id) do nothing
  returning * into v_run;
  if not found then
    select * into v_run from obelisk.runs r where r.space_id = p_space and r.request_id = p_request;
    return query select 'repeated', null::uuid[], v_run;
    return;
  end if;
  insert into obelisk.run_events (space_id, run_id, sequence, kind, version, payload, create_time)
  values (p_space, p_run, 1, p_kind, p_version, p_payload, p_create_time);
  if p_double_text in ('interrupt', 'rollback') and cardinality(v_open) > 0 then
    perform obelisk.supersede(p_space, p_conversation, v_open, p_double_text = 'rollback');
  else
    v_open := '{}';
  end if;
  if p_conversation is not null then
    insert into obelisk.messages (
      space_id, conversation_id, message_id, run_id, role, content, place, turn)
    values (p_space, p_conversation, p_message, p_run, 'user', p_question, v_turn, v_turn);
  end if;
  if not v_begins and p_worker is null and not v_blocked then
    perform obelisk.wake_workers();
  end if;
  return query select 'created', v_open, v_run;
end $$;

-- Runs of a conversation are to stop. Where they are taken back, their writers lose them in the same
-- moment, so that nothing of them can come into the conversation any more.
create function obelisk.supersede(
  p_space uuid, p_conversation uuid, p_runs uuid[], p_take_back boolean
) returns void language plpgsql set enable_seqscan = off as $$
begin
  update obelisk.runs r
  set cancel_requested = true,
      cancel_reason = coalesce(r.cancel_reason, 'superseded'),
      fence = r.fence + p_take_back::integer,
      state = case when p_take_back or r.state = 'paused' then 'queued' else r.state end,
      worker_id = case when p_take_back or r.state = 'paused' then null else r.worker_id end
  where r.space_id = p_space and r.run_id = any (p_runs) and r.state <> 'ended';
  if p_take_back then
    delete from obelisk.messages m
    where m.space_id = p_space and m.conversation_id = p_conversation and m.run_id = any (p_runs);
  end if;
end $$;

-- How many runs each space is to get of `p_room`: one with few at work comes before one with many.
create function obelisk.waiting_spaces(p_room integer, p_running_limit integer)
returns table (space_id uuid, wanted integer) language sql stable security definer
set search_path = obelisk, pg_temp set enable_seqscan = off as $$
  with waiting as (
    select s.space_id, c.run_id,
           s.running + row_number() over (partition by s.space_id order by c.run_id) as place
    from (select q.space_id, (select count(*) from obelisk.runs r
                              where r.space_id = q.space_id and r.state = 'running') as running
          from (select distinct r.space_id from obelisk.runs r where r.state = 'queued') q) s
    cross join lateral (select c.run_id from obelisk.claimable_runs c where c.space_id = s.space_id
                        order by c.run_id limit greatest(p_running_limit - s.running, 0)) c
  )
  select w.space_id, count(*)::integer
  from (select waiting.space_id from waiting order by place, run_id limit p_room) w
  group by w.space_id order by w.space_id;
$$;

-- Takes up queued runs for a worker: at most p_room, and of each space so many that p_running_limit of it
-- are running. Spaces are locked in their order, so that no two claims wait for each other.
create function obelisk.claim_runs(p_worker uuid, p_room integer, p_running_limit integer)
returns setof obelisk.runs language plpgsql set enable_seqscan = off as $$
declare
  v_space uuid;
  v_wanted integer;
begin
  for v_space, v_wanted in
    select w.space_id, w.wanted from obelisk.waiting_spaces(p_room, p_running_limit) w
  loop
    perform set_config('app.space_id', v_space::text, true);
    perform pg_advisory_xact_lock(obelisk.space_lock(v_space));
    v_wanted := least(v_wanted, p_running_limit - (
      select count(*) from obelisk.runs r where r.space_id = v_space and r.state = 'running'));
    continue when v_wanted < 1;
    return query
    update obelisk.runs r
    set state = 'running', fence = r.fence + 1, attempts = r.attempts + 1, worker_id = p_worker
    where r.space_id = v_space and r.run_id in (
      select q.run_id from obelisk.runs q
      where q.space_id = v_space and q.state = 'queued' and q.run_id in (
        select c.run_id from obelisk.claimable_runs c where c.space_id = v_space
        order by c.run_id limit v_wanted)
      for update skip locked)
    returning r.*;
  end loop;
end $$;

-- Whether somebody is at work on what p_holder has taken up; this worker knows what it is at work on.
create function obelisk.is_busy(p_holder uuid, p_worker uuid, p_here boolean) returns boolean
language sql stable as $$
  select case when p_holder = p_worker then p_here else obelisk.is_alive(p_holder) end;
$$;

-- Takes up documents that nobody is at work on, of spaces with few at work first.
create function obelisk.claim_documents(p_worker uuid, p_room integer, p_at_work uuid[])
returns table (space_id uuid, document_id uuid, attempts integer) language sql security definer
set search_path = obelisk, pg_temp as $$
  update obelisk.documents d set worker_id = p_worker, attempts = d.attempts + 1
  from (
    select o.space_id, o.document_id from obelisk.documents o
    join (
      select u.space_id, u.document_id, u.busy,
             row_number() over (partition by u.space_id order by not u.busy, u.document_id) as place
      from (select b.space_id, b.document_id,
                   obelisk.is_busy(b.worker_id, p_worker, b.document_id = any (p_at_work)) as busy
            from obelisk.documents b where b.state not in ('ready', 'failed')) u
    ) f using (space_id, document_id)
    where not f.busy and o.state not in ('ready', 'failed')
      and not obelisk.is_busy(o.worker_id, p_worker, o.document_id = any (p_at_work))
    order by f.place, o.document_id limit p_room
    for update of o skip locked
  ) n
  where d.space_id = n.space_id and d.document_id = n.document_id
  returning d.space_id, d.document_id, d.attempts;
$$;

-- Renews a worker's row, and answers the runs that it has.
create function obelisk.beat(p_worker uuid, p_kind text, p_lease interval)
returns table (space_id uuid, run_id uuid, fence integer, cancel_reason text)
language sql security definer set search_path = obelisk, pg_temp set enable_seqscan = off as $$
  insert into obelisk.workers (worker_id, kind, expire_time)
  values (p_worker, p_kind, clock_timestamp() + p_lease)
  on conflict (worker_id) do update set expire_time = excluded.expire_time;
  select r.space_id, r.run_id, r.fence,
         case when r.cancel_requested then coalesce(r.cancel_reason, 'user') end
  from obelisk.runs r where r.state = 'running' and r.worker_id = p_worker;
$$;

-- Runs whose worker is gone wait again; how many. Rows of workers that died are cleared away later.
create function obelisk.reap() returns integer language plpgsql security definer
set search_path = obelisk, pg_temp set enable_seqscan = off as $$
declare
  v_count integer;
begin
  update obelisk.runs r set state = 'queued', worker_id = null, lost_by = r.worker_id
  from (select s.space_id, s.run_id from obelisk.runs s
        where s.state = 'running' and not obelisk.is_alive(s.worker_id)
        for update skip locked) d
  where r.space_id = d.space_id and r.run_id = d.run_id;
  get diagnostics v_count = row_count;
  delete from obelisk.workers w where w.expire_time < clock_timestamp() - interval '1 hour';
  return v_count;
end $$;

-- Runs that were taken from a worker which has beaten since.
create function obelisk.lost_runs(p_worker uuid) returns table (space_id uuid, run_id uuid)
language sql stable security definer set search_path = obelisk, pg_temp set enable_seqscan = off as $$
  select r.space_id, r.run_id from obelisk.runs r where r.state = 'queued' and r.lost_by = p_worker
  union all
  select r.space_id, r.run_id from obelisk.runs r where r.state = 'running' and r.lost_by = p_worker;
$$;

-- The worker lives from which a run was taken: the attempt that it had was not the run's to spend.
create function obelisk.forgive_run(p_space uuid, p_run uuid, p_worker uuid) returns void
language plpgsql as $$
begin
  perform set_config('app.space_id', p_space::text, true);
  update obelisk.runs r set attempts = greatest(r.attempts - 1, 0), lost_by = null
  where r.space_id = p_space and r.run_id = p_run and r.lost_by = p_worker and r.state <> 'ended';
end $$;

-- One run that its worker does not work on waits again.
create function obelisk.release_run(p_space uuid, p_run uuid, p_fence integer, p_spent boolean)
returns boolean language plpgsql as $$
begin
  perform set_config('app.space_id', p_space::text, true);
  update obelisk.runs r
  set state = 'queued', worker_id = null,
      attempts = greatest(r.attempts - (not p_spent)::integer, 0)
  where r.space_id = p_space and r.run_id = p_run and r.fence = p_fence and r.state = 'running';
  return found;
end $$;

-- A worker goes in good order: what it has waits again, and no attempt was spent.
create function obelisk.leave(p_worker uuid) returns void language sql security definer
set search_path = obelisk, pg_temp set enable_seqscan = off as $$
  update obelisk.runs r
  set state = 'queued', worker_id = null, attempts = greatest(r.attempts - 1, 0)
  where r.state = 'running' and r.worker_id = p_worker;
  update obelisk.documents d set worker_id = null, attempts = greatest(d.attempts - 1, 0)
  where d.state not in ('ready', 'failed') and d.worker_id = p_worker;
  delete from obelisk.workers w where w.worker_id = p_worker;
$$;

grant create on schema obelisk to obelisk_system;
alter function obelisk.waiting_spaces owner to obelisk_system;
alter function obelisk.claim_documents owner to obelisk_system;
alter function obelisk.beat owner to obelisk_system;
alter function obelisk.reap owner to obelisk_system;
alter function obelisk.lost_runs owner to obelisk_system;
alter function obelisk.leave owner to obelisk_system;
alter function obelisk.a_worker_lives owner to obelisk_system;
revoke create on schema obelisk from obelisk_system;
revoke all on function obelisk.waiting_spaces, obelisk.claim_documents, obelisk.beat, obelisk.reap,
  obelisk.lost_runs, obelisk.leave, obelisk.a_worker_lives from public;
grant execute on function obelisk.waiting_spaces, obelisk.claim_documents, obelisk.beat, obelisk.reap,
  obelisk.lost_runs, obelisk.leave, obelisk.a_worker_lives to obelisk_app;
