-- confine_to_space: from here on the transaction sees this space as well as its organization
select set_config('app.space_id', $1::uuid::text, true);

-- as_identity: from here on the transaction is one of identity
set local role obelisk_identity;

-- as_application: and from here on no longer
set local role obelisk_app;

-- lock_space: nothing can be added to it from here on
select space_id from obelisk.spaces where space_id = $1 and organization_id = $2 for update;

-- lock_organization: nothing can be added to it from here on
select organization_id from obelisk.organizations where organization_id = $1 for update;

-- spaces: those of one organization, in order
select space_id from obelisk.spaces where organization_id = $1 order by space_id;

-- erase_space: every row of a space; how many, by table, or nothing when there is no such space
select obelisk.erase_space($1);

-- end_sessions: those bound to an organization that goes; every process must know
select count(*)
from (select obelisk.tell('session', s.session_id::text, 0, null, now() + interval '25 hours')
      from obelisk.sessions s where s.organization_id = $1 order by s.session_id) told;

-- erase_organization: every row of an organization whose spaces are gone; how many, by table
select obelisk.erase_organization($1);

-- keep_receipt: that it was asked for, and what went
insert into obelisk.erasure_receipts (receipt_id, organization_id, space_id, spaces, requester, counts,
                                      create_time)
values ($1, $2, $3, $4, $5, $6::jsonb, $7);

-- finish: nothing is left
update obelisk.erasure_receipts set counts = $2::jsonb, finish_time = $3
where receipt_id = $1 and finish_time is null;

-- get: one receipt
select * from obelisk.erasure_receipts where receipt_id = $1;

-- unfinished: those without a finish, and those finished of late; oldest first
select * from obelisk.erasure_receipts where finish_time is null or finish_time > $1
order by receipt_id;
