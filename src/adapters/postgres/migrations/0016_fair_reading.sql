-- A tenant's long documents may hold all places that read for a quarter of an hour, and nobody else's come
-- before one of them ends. So some places are kept for spaces of which nothing is being read.

drop function obelisk.claim_documents(uuid, integer, uuid[], uuid[]);

create function obelisk.claim_documents(
  p_worker uuid, p_room integer, p_kept integer, p_at_work uuid[], p_broken uuid[])
returns table (space_id uuid, document_id uuid, fence integer, attempts integer)
language sql security definer set search_path = obelisk, pg_temp as $$
  with placed as (
    select u.space_id, u.document_id, u.busy,
           row_number() over (partition by u.space_id order by not u.busy, u.document_id) as place
    from (select b.space_id, b.document_id, b.retry_time,
                 obelisk.is_busy(b.worker_id, p_worker, b.document_id = any (p_at_work)) as busy
          from obelisk.documents b where b.state not in ('ready', 'failed')) u
    where u.busy or u.retry_time is null or u.retry_time <= clock_timestamp()
  ), turns as (
    select f.space_id, f.document_id, f.place,
           row_number() over (order by f.place, f.document_id) as turn
    from placed f where not f.busy
  ),
  -- Once and for all: what is joined to the table may be asked again for each of its rows.
  next as materialized (
    select o.space_id, o.document_id from obelisk.documents o
    join turns t using (space_id, document_id)
    where (t.place = 1 or t.turn <= p_room - p_kept) and o.state not in ('ready', 'failed')
      and not obelisk.is_busy(o.worker_id, p_worker, o.document_id = any (p_at_work))
    order by t.place, o.document_id limit p_room
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
