-- People, services, their sessions and keys; invitations, the audit log and erasure.
--
-- Three ways in, each confined by row-level security:
--   obelisk_app with app.space_id         the content of one space (0001 and 0002)
--   obelisk_app with app.organization_id  the members, invitations, services and log of one organization
--   obelisk_identity                      who somebody is: never content, entered by `set local role`

create function obelisk.current_organization() returns uuid language sql stable parallel safe as
$$ select nullif(current_setting('app.organization_id', true), '')::uuid $$;

grant usage on schema obelisk to obelisk_identity;

-- A space's members know their organization, so that one key confines both levels.
alter table obelisk.spaces add unique (organization_id, space_id);
alter table obelisk.space_members add column organization_id uuid;
alter table obelisk.space_members no force row level security;
alter table obelisk.spaces no force row level security;
update obelisk.space_members m set organization_id = s.organization_id
from obelisk.spaces s where s.space_id = m.space_id;
alter table obelisk.space_members force row level security;
alter table obelisk.spaces force row level security;
alter table obelisk.space_members alter column organization_id set not null;
alter table obelisk.space_members
  add foreign key (organization_id, space_id) references obelisk.spaces (organization_id, space_id)
    on delete cascade,
  add foreign key (organization_id, user_id) references obelisk.organization_members
    on delete cascade;
create index space_members_by_organization on obelisk.space_members (organization_id, user_id);

create table obelisk.users (
  user_id uuid primary key,
  email text unique check (email = lower(email)),
  display_name text not null,
  password_hash text,
  operator boolean not null default false,
  disabled boolean not null default false,
  create_time timestamptz not null
);

create table obelisk.oidc_identities (
  provider text not null,
  subject text not null,
  user_id uuid not null references obelisk.users on delete cascade,
  primary key (provider, subject)
);

-- One sign-in at a provider that has begun; what only we may know is sealed.
create table obelisk.oidc_flows (
  state_hash bytea primary key,
  provider text not null,
  sealed bytea not null,
  expire_time timestamptz not null
);

create index oidc_flows_by_end on obelisk.oidc_flows (expire_time);

create table obelisk.sessions (
  session_id uuid primary key,
  user_id uuid not null,
  organization_id uuid references obelisk.organizations on delete cascade,
  address text not null,
  user_agent text not null,
  create_time timestamptz not null,
  expire_time timestamptz not null,
  revoke_time timestamptz
);
create index sessions_by_user on obelisk.sessions (user_id, session_id);
create index sessions_by_end on obelisk.sessions (expire_time);

-- Each works once; a second use ends the session, for somebody else has a copy.
create table obelisk.refresh_tokens (
  token_hash bytea primary key,
  session_id uuid not null references obelisk.sessions on delete cascade,
  expire_time timestamptz not null,
  use_time timestamptz
);
create index refresh_tokens_by_session on obelisk.refresh_tokens (session_id);

-- Moves with every change of somebody's memberships; tokens carry the one they were made under.
create table obelisk.principal_epochs (
  user_id uuid primary key,
  epoch bigint not null
);

-- What every process must know of tokens that are still in their time. `change_xid` lets a reader
-- ask for all that was committed since its last look, whatever order the commits came in.
create table obelisk.authority_changes (
  kind text not null check (kind in ('token', 'session', 'user', 'epoch', 'keys')),
  subject text not null,
  epoch bigint not null default 0,
  not_before timestamptz,
  expire_time timestamptz not null,
  change_xid xid8 not null default pg_current_xact_id(),
  primary key (kind, subject)
);
create index authority_changes_by_xid on obelisk.authority_changes (change_xid);
create index authority_changes_by_end on obelisk.authority_changes (expire_time);

create table obelisk.signing_keys (
  kid text primary key,
  public_jwk text not null,
  sealed_private bytea not null,
  publish_time timestamptz not null,
  activate_time timestamptz not null unique
);

create table obelisk.service_clients (
  organization_id uuid not null references obelisk.organizations on delete cascade,
  client_id uuid not null unique,
  display_name text not null,
  secret_hash bytea not null,
  create_time timestamptz not null,
  revoke_time timestamptz,
  primary key (organization_id, client_id)
);

create table obelisk.invitations (
  organization_id uuid not null references obelisk.organizations on delete cascade,
  invitation_id uuid not null,
  email text not null check (email = lower(email)),
  role text not null check (role in ('owner', 'admin', 'editor', 'reviewer', 'viewer')),
  space_roles jsonb not null,
  token_hash bytea not null unique,
  inviter uuid not null,
  create_time timestamptz not null,
  expire_time timestamptz not null,
  accept_time timestamptz,
  revoke_time timestamptz,
  primary key (organization_id, invitation_id)
);

-- Written before the act, with its outcome set once after it: an act that was cut off says so.
create table obelisk.audit_events (
  audit_id uuid primary key,
  organization_id uuid,
  space_id uuid,
  actor uuid,
  action text not null,
  objects jsonb not null,
  address text not null,
  correlation_id text not null,
  outcome text,
  create_time timestamptz not null
);
create index audit_events_by_organization on obelisk.audit_events (organization_id, audit_id);

-- Outlives what it speaks of, so it refers to nothing.
create table obelisk.erasure_receipts (
  receipt_id uuid primary key,
  organization_id uuid not null,
  space_id uuid,
  spaces uuid[] not null,
  requester uuid not null,
  counts jsonb not null,
  create_time timestamptz not null,
  finish_time timestamptz
);
create index erasure_receipts_unfinished on obelisk.erasure_receipts (receipt_id)
  where finish_time is null;

do $$
declare
  t text;
begin
  foreach t in array array[
    'users', 'oidc_identities', 'oidc_flows', 'sessions', 'refresh_tokens', 'principal_epochs',
    'authority_changes', 'signing_keys', 'service_clients', 'invitations', 'audit_events',
    'erasure_receipts'
  ] loop
    execute format('alter table obelisk.%I enable row level security', t);
    execute format('alter table obelisk.%I force row level security', t);
  end loop;
  -- Who somebody is: asked by an email, a secret or a subject, before any tenant is known.
  foreach t in array array[
    'users', 'oidc_identities', 'oidc_flows', 'sessions', 'refresh_tokens', 'principal_epochs',
    'authority_changes', 'signing_keys', 'erasure_receipts'
  ] loop
    execute format('grant select, insert, update, delete on obelisk.%I to obelisk_identity', t);
    execute format(
      'create policy identity on obelisk.%I to obelisk_identity using (true) with check (true)', t);
  end loop;
  foreach t in array array['service_clients', 'invitations', 'organizations', 'spaces',
                           'organization_members', 'space_members'] loop
    execute format('grant select on obelisk.%I to obelisk_identity', t);
    execute format(
      'create policy identity on obelisk.%I for select to obelisk_identity using (true)', t);
  end loop;
  foreach t in array array['organizations', 'organization_members', 'spaces', 'space_members',
                           'service_clients', 'invitations'] loop
    execute format('grant select, insert, update, delete on obelisk.%I to obelisk_app', t);
    execute format(
      'create policy organization on obelisk.%I to obelisk_app'
      ' using (organization_id = obelisk.current_organization())'
      ' with check (organization_id = obelisk.current_organization())', t);
  end loop;
end $$;

-- The log is read by its organization, and written in its name or in nobody's.
grant select on obelisk.audit_events to obelisk_app;
grant insert, select, update (outcome, actor, organization_id, objects) on obelisk.audit_events
  to obelisk_identity;
create policy organization on obelisk.audit_events for select to obelisk_app
  using (organization_id = obelisk.current_organization());
create policy append on obelisk.audit_events to obelisk_identity
  using (true) with check (true);

create function obelisk.audit_is_append_only() returns trigger language plpgsql as $$
begin
  -- Once, from "under way" to its outcome; who and where may become known by then, never change.
  if tg_op = 'UPDATE' then
    if old.outcome is null and new.outcome is not null
       and new.actor is not distinct from coalesce(old.actor, new.actor)
       and new.organization_id is not distinct from coalesce(old.organization_id, new.organization_id)
       and (new.audit_id, new.action, new.address, new.correlation_id, new.create_time)
         = (old.audit_id, old.action, old.address, old.correlation_id, old.create_time)
       and new.space_id is not distinct from old.space_id
    then
      return new;
    end if;
  end if;
  raise exception 'the audit log is append-only' using errcode = 'OB002';
end $$;
create trigger append_only before update or delete on obelisk.audit_events
  for each row execute function obelisk.audit_is_append_only();
create trigger append_only_as_a_whole before truncate on obelisk.audit_events
  for each statement execute function obelisk.audit_is_append_only();

-- An invitation is accepted by somebody who is no member yet, so it runs as obelisk_identity.
grant insert, update on obelisk.organization_members, obelisk.space_members to obelisk_identity;
grant update on obelisk.invitations to obelisk_identity;
create policy joining on obelisk.organization_members for insert to obelisk_identity with check (true);
create policy joining on obelisk.space_members for insert to obelisk_identity with check (true);
create policy joining_update on obelisk.organization_members for update to obelisk_identity
  using (true) with check (true);
create policy joining_update on obelisk.space_members for update to obelisk_identity
  using (true) with check (true);
create policy accepting on obelisk.invitations for update to obelisk_identity
  using (true) with check (true);
-- It locks the organization, as changes of its members do, and can change nothing of it.
grant update (organization_id) on obelisk.organizations to obelisk_identity;
create policy locking on obelisk.organizations for update to obelisk_identity
  using (true) with check (false);

grant create on schema obelisk to obelisk_system, obelisk_identity;

-- Longer than any token lives: until then every process must know of the change.
create function obelisk.tell(p_kind text, p_subject text, p_epoch bigint, p_not_before timestamptz,
                             p_expire timestamptz) returns void language sql as $$
  insert into obelisk.authority_changes as c (kind, subject, epoch, not_before, expire_time)
  values (p_kind, p_subject, p_epoch, p_not_before, p_expire)
  on conflict (kind, subject) do update
    set epoch = greatest(c.epoch, excluded.epoch),
        not_before = greatest(c.not_before, excluded.not_before),
        expire_time = greatest(c.expire_time, excluded.expire_time),
        change_xid = pg_current_xact_id();
$$;

-- Whoever changes a membership, by whatever statement, moves the member's epoch with it.
create function obelisk.move_epoch_of(p_user uuid) returns void language plpgsql as $$
declare
  v_epoch bigint;
begin
  insert into obelisk.principal_epochs as e values (p_user, 1)
  on conflict (user_id) do update set epoch = e.epoch + 1 returning e.epoch into v_epoch;
  perform obelisk.tell('epoch', p_user::text, v_epoch, null, now() + interval '25 hours');
end $$;
revoke all on function obelisk.move_epoch_of from public;
grant execute on function obelisk.move_epoch_of to obelisk_identity;

create function obelisk.move_epoch() returns trigger language plpgsql security definer
set search_path = obelisk, pg_temp as $$
begin
  perform obelisk.move_epoch_of(coalesce(new.user_id, old.user_id));
  return null;
end $$;
alter function obelisk.move_epoch owner to obelisk_identity;
revoke all on function obelisk.move_epoch from public;

-- Owners and admins are at home in each space, so one that comes or goes changes where they stand.
create function obelisk.move_epochs_of_heads() returns trigger language plpgsql security definer
set search_path = obelisk, pg_temp as $$
begin
  perform obelisk.move_epoch_of(m.user_id)
  from obelisk.organization_members m
  where m.organization_id = coalesce(new.organization_id, old.organization_id)
    and m.role in ('owner', 'admin')
  order by m.user_id;
  return null;
end $$;
alter function obelisk.move_epochs_of_heads owner to obelisk_identity;
revoke all on function obelisk.move_epochs_of_heads from public;
create trigger move_epochs_of_heads after insert or delete on obelisk.spaces
  for each row execute function obelisk.move_epochs_of_heads();

create trigger move_epoch after insert or update or delete on obelisk.organization_members
  for each row execute function obelisk.move_epoch();
create trigger move_epoch after insert or update or delete on obelisk.space_members
  for each row execute function obelisk.move_epoch();

-- Who makes a space owns it; a service, which owns nothing, becomes its admin.
grant select on obelisk.service_clients to obelisk_system;
create policy system on obelisk.service_clients for select to obelisk_system using (true);
create or replace function obelisk.create_space(
  p_space uuid, p_organization uuid, p_display_name text, p_create_time timestamptz
) returns boolean language plpgsql security definer set search_path = obelisk, pg_temp as $$
begin
  if not exists (select from obelisk.organization_members m
                 where m.organization_id = p_organization and m.user_id = obelisk.current_user_id()
                   and m.role in ('owner', 'admin')) then
    return false;
  end if;
  insert into obelisk.spaces values (p_space, p_organization, p_display_name, p_create_time);
  insert into obelisk.space_members (space_id, organization_id, user_id, role)
  values (p_space, p_organization, obelisk.current_user_id(),
          case when exists (select from obelisk.service_clients
                            where client_id = obelisk.current_user_id())
               then 'admin' else 'owner' end);
  return true;
end $$;

-- Everything about somebody's standing in a space, in one query; no row for a stranger. Owners and
-- admins of the organization are at home in each of its spaces.
create function obelisk.standing(p_user uuid) returns table (
  organization_id uuid, space_id uuid, organization_role text, space_role text
) language sql stable security definer set search_path = obelisk, pg_temp as $$
  select s.organization_id, s.space_id, o.role, m.role
  from obelisk.organization_members o
  join obelisk.spaces s on s.organization_id = o.organization_id
  left join obelisk.space_members m on m.space_id = s.space_id and m.user_id = o.user_id
  where o.user_id = p_user and (m.role is not null or o.role in ('owner', 'admin'));
$$;
alter function obelisk.standing owner to obelisk_identity;
revoke all on function obelisk.standing from public;
grant execute on function obelisk.standing to obelisk_app;

-- The same for one space, in one round trip and without looking at the others.
create function obelisk.standing_in(p_space uuid, p_user uuid) returns table (
  organization_id uuid, space_id uuid, organization_role text, space_role text
) language sql stable security definer set search_path = obelisk, pg_temp as $$
  select s.organization_id, s.space_id, o.role, m.role
  from obelisk.spaces s
  join obelisk.organization_members o
    on o.organization_id = s.organization_id and o.user_id = p_user
  left join obelisk.space_members m on m.space_id = s.space_id and m.user_id = p_user
  where s.space_id = p_space and (m.role is not null or o.role in ('owner', 'admin'));
$$;
alter function obelisk.standing_in owner to obelisk_identity;
revoke all on function obelisk.standing_in from public;
grant execute on function obelisk.standing_in to obelisk_app;
-- Names of the members of the organization that the transaction is confined to, or of one of its
-- spaces: obelisk_app asks for no other user.
create function obelisk.members_of(
  p_organization uuid, p_space uuid, p_user uuid, p_after uuid, p_limit integer
) returns table (user_id uuid, email text, display_name text, role text, service boolean)
language sql stable security definer set search_path = obelisk, pg_temp as $$
  select m.user_id, coalesce(u.email, ''), coalesce(u.display_name, c.display_name, ''), m.role,
         c.client_id is not null
  from (select o.user_id, o.role from obelisk.organization_members o
        where p_space is null and o.organization_id = p_organization
        union all
        select i.user_id, i.role from obelisk.space_members i
        where i.space_id = p_space and i.organization_id = p_organization) m
  left join obelisk.users u on u.user_id = m.user_id
  left join obelisk.service_clients c
    on c.organization_id = p_organization and c.client_id = m.user_id
  where p_organization = obelisk.current_organization()
    and (p_user is null or m.user_id = p_user) and (p_after is null or m.user_id > p_after)
  order by m.user_id limit p_limit;
$$;
alter function obelisk.members_of owner to obelisk_identity;
revoke all on function obelisk.members_of from public;
grant execute on function obelisk.members_of to obelisk_app;

-- How many own an organization besides one of its members: who is disabled can do nothing for it.
create function obelisk.other_owners(p_organization uuid, p_user uuid) returns bigint
language sql stable security definer set search_path = obelisk, pg_temp as $$
  select count(*) from obelisk.organization_members m
  where m.organization_id = p_organization and p_organization = obelisk.current_organization()
    and m.role = 'owner' and m.user_id <> p_user
    and not exists (select from obelisk.users u where u.user_id = m.user_id and u.disabled);
$$;
alter function obelisk.other_owners owner to obelisk_identity;
revoke all on function obelisk.other_owners from public;
grant execute on function obelisk.other_owners to obelisk_app;

-- A service that is revoked, or gone with its organization, has no session and no token any more.
create function obelisk.end_service() returns trigger language plpgsql security definer
set search_path = obelisk, pg_temp as $$
begin
  update obelisk.sessions set revoke_time = now()
  where user_id = old.client_id and revoke_time is null;
  perform obelisk.tell('user', old.client_id::text, 0, null, now() + interval '25 hours');
  return null;
end $$;
alter function obelisk.end_service owner to obelisk_identity;
revoke all on function obelisk.end_service from public;
create trigger end_service after delete on obelisk.service_clients
  for each row execute function obelisk.end_service();
create trigger end_service_on_revocation after update on obelisk.service_clients
  for each row when (new.revoke_time is not null and old.revoke_time is null)
  execute function obelisk.end_service();

-- A transaction that names a space reaches no other one by way of its organization, and one of
-- identity that names an organization reaches no session of another.
create policy one_space on obelisk.spaces as restrictive to obelisk_app
  using (obelisk.current_space() is null or space_id = obelisk.current_space());
create policy one_space on obelisk.space_members as restrictive to obelisk_app
  using (obelisk.current_space() is null or space_id = obelisk.current_space());
create policy one_organization on obelisk.sessions as restrictive to obelisk_identity
  using (obelisk.current_organization() is null
         or organization_id = obelisk.current_organization());

-- Removes a root row and every row that carries its key, in whatever table there is: one that comes
-- later is covered, be it by a foreign key or not. It runs as its caller, so row-level security keeps
-- it to the tenant that the transaction is confined to. Answers how many rows went, by table; null
-- when there is no such root.
create function obelisk.erase_by_key(p_key text, p_root regclass, p_id uuid) returns jsonb
language plpgsql as $$
declare
  v_tables regclass[];
  v_table regclass;
  v_count bigint;
  v_counts jsonb := '{}';
begin
  execute format('select 1 from %s where %I = $1 for update', p_root, p_key) using p_id;
  get diagnostics v_count = row_count;
  if v_count = 0 then
    return null;
  end if;
  select array_agg(c.oid::regclass) into v_tables
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace
  join pg_attribute a on a.attrelid = c.oid and a.attname = p_key and not a.attisdropped
  where c.relkind in ('r', 'p') and not c.relispartition and a.atttypid = 'uuid'::regtype
    and n.nspname not in ('pg_catalog', 'information_schema')
    and c.relname not in ('audit_events', 'erasure_receipts')
    and has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'select, delete');
  -- What hangs on the root is locked first, or a row could be added beneath it after the count.
  foreach v_table in array v_tables loop
    if has_table_privilege(v_table, 'update') and exists (
      select from pg_constraint where contype = 'f' and conrelid = v_table and confrelid = p_root
    ) then
      execute format('select 1 from %s where %I = $1 for update', v_table, p_key) using p_id;
    end if;
  end loop;
  foreach v_table in array v_tables loop
    if has_table_privilege(v_table, 'select') then
      execute format('select count(*) from %s where %I = $1', v_table, p_key) into v_count using p_id;
      v_counts := v_counts || jsonb_build_object(
        (select relname from pg_class where oid = v_table), v_count);
    end if;
  end loop;
  execute format('delete from %s where %I = $1', p_root, p_key) using p_id;
  foreach v_table in array v_tables loop
    if has_table_privilege(v_table, 'delete') then
      execute format('delete from %s where %I = $1', v_table, p_key) using p_id;
    end if;
  end loop;
  return v_counts;
end $$;

create function obelisk.erase_space(p_space uuid) returns jsonb language sql as
$$ select obelisk.erase_by_key('space_id', 'obelisk.spaces', p_space) $$;

create function obelisk.erase_organization(p_organization uuid) returns jsonb language sql as
$$ select obelisk.erase_by_key('organization_id', 'obelisk.organizations', p_organization) $$;
revoke create on schema obelisk from obelisk_system, obelisk_identity;
