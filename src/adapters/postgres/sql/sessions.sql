-- news: every change that may have been committed since a mark, with the mark to ask with next time
with snapshot as (select pg_snapshot_xmin(pg_current_snapshot()) as mark)
select snapshot.mark::text::bigint as mark, c.kind, c.subject, c.epoch, c.not_before, c.expire_time
from snapshot
left join obelisk.authority_changes c
  on c.change_xid >= $1::bigint::text::xid8 and c.expire_time > now();

-- tell: one change, for every process to know
select obelisk.tell($1, $2, $3, $4, $5);

-- tell_sessions: that these sessions are over
select obelisk.tell('session', s.session_id::text, 0, null, $2)
from unnest($1::uuid[]) as s (session_id) order by s.session_id;

-- sweep_changes: a few of those that concern no token any more
delete from obelisk.authority_changes where (kind, subject) in (
  select kind, subject from obelisk.authority_changes where expire_time < now()
  order by expire_time limit 50 for update skip locked
);

-- sweep_sessions: a few of those that were over a month ago, with their refresh tokens
delete from obelisk.sessions where session_id in (
  select session_id from obelisk.sessions where expire_time < now() - interval '30 days'
  order by expire_time limit 50 for update skip locked
);

-- opening: others may open at the same time, and nobody may end them all meanwhile
select pg_advisory_xact_lock_shared(hashtextextended('obelisk.sessions', 0) # hashtextextended($1::uuid::text, 0));

-- ending: nobody may open another meanwhile, or it would be missed
select pg_advisory_xact_lock(hashtextextended('obelisk.sessions', 0) # hashtextextended($1::uuid::text, 0));

-- principal: a user or a service, and whether it may sign in
select coalesce(u.disabled, c.revoke_time is not null) as closed,
       coalesce(u.operator, false) as operator,
       c.organization_id as service_of
from (select $1::uuid as id) p
left join obelisk.users u on u.user_id = p.id
left join obelisk.service_clients c on c.client_id = p.id
where u.user_id is not null or c.client_id is not null;

-- open: a new session
insert into obelisk.sessions (session_id, user_id, organization_id, address, user_agent, create_time,
                              expire_time)
values ($1, $2, $3, $4, $5, $6, $7);

-- keep_refresh: the token that renews a session next
insert into obelisk.refresh_tokens (token_hash, session_id, expire_time) values ($1, $2, $3);

-- by_refresh: a refresh token and its session, which nobody else may renew or end meanwhile
select r.use_time, r.expire_time as refresh_expire_time, s.*
from obelisk.refresh_tokens r
join obelisk.sessions s on s.session_id = r.session_id
where r.token_hash = $1
for update;

-- use_refresh: it has worked once
update obelisk.refresh_tokens set use_time = $2 where token_hash = $1;

-- is_member: whether a session may be bound to the organization
select exists (select from obelisk.organization_members where organization_id = $1 and user_id = $2);

-- bind: what the session's tokens are bound to from now on
update obelisk.sessions set organization_id = $2 where session_id = $1;

-- open_sessions: a user's sessions that are not over, newest first
select session_id, user_id, organization_id, address, user_agent, create_time, expire_time
from obelisk.sessions
where user_id = $1 and revoke_time is null and expire_time > $2
order by session_id desc;

-- end: one session of a user's; what it was is what counts
update obelisk.sessions set revoke_time = coalesce(revoke_time, $3)
where session_id = $1 and user_id = $2
returning session_id;

-- end_excess: the oldest of a user's beyond so many; others that end some meanwhile end the same
update obelisk.sessions set revoke_time = $2 where session_id in (
  select session_id from obelisk.sessions
  where session_id in (
    select session_id from obelisk.sessions
    where user_id = $1 and revoke_time is null and expire_time > $2
    order by session_id desc offset $3
  )
  for update skip locked
)
returning session_id;

-- renewing: nobody may renew one of a user's meanwhile, or its end would not be told
select session_id from obelisk.sessions
where user_id = $1 and revoke_time is null order by session_id for update;

-- end_all: every session of a user's but one; tokens outlive theirs by the clocks' skew
update obelisk.sessions s set revoke_time = $3
where user_id = $1 and session_id is distinct from $2 and revoke_time is null
  and expire_time > $3::timestamptz - interval '5 minutes'
returning session_id, expire_time > $3 as was_open,
          greatest(create_time, (select max(r.use_time) from obelisk.refresh_tokens r
                                 where r.session_id = s.session_id)) as touch_time;

-- disable: no other session of this user
update obelisk.users set disabled = true where user_id = $1;

-- revoke_client: no other session of this service
update obelisk.service_clients set revoke_time = coalesce(revoke_time, $3)
where organization_id = $1 and client_id = $2;
