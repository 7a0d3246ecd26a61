-- Organizations, spaces, members and settings. Identity rows are written by obelisk_system alone,
-- through functions that check the caller's standing; obelisk_app sees only the current user's.

create schema obelisk;
grant usage on schema obelisk to obelisk_app, obelisk_search, obelisk_system;
create extension if not exists vector;
create extension if not exists btree_gin;

create function obelisk.current_space() returns uuid language sql stable parallel safe as
$$ select nullif(current_setting('app.space_id', true), '')::uuid $$;

create function obelisk.current_user_id() returns uuid language sql stable parallel safe as
$$ select nullif(current_setting('app.user_id', true), '')::uuid $$;

create table obelisk.organizations (
  organization_id uuid primary key,
  display_name text not null,
  create_time timestamptz not null
);

create table obelisk.organization_members (
  organization_id uuid not null references obelisk.organizations on delete cascade,
  user_id uuid not null,
  role text not null check (role in ('owner', 'admin', 'editor', 'reviewer', 'viewer')),
  primary key (organization_id, user_id)
);
create index organization_members_by_user on obelisk.organization_members (user_id);

create table obelisk.spaces (
  space_id uuid primary key,
  organization_id uuid not null references obelisk.organizations on delete cascade,
  display_name text not null,
  create_time timestamptz not null
);
create index spaces_by_organization on obelisk.spaces (organization_id, space_id);

create table obelisk.space_members (
  space_id uuid not null references obelisk.spaces on delete cascade,
  user_id uuid not null,
  role text not null check (role in ('owner', 'admin', 'editor', 'reviewer', 'viewer')),
  primary key (space_id, user_id)
);
create index space_members_by_user on obelisk.space_members (user_id);

create table obelisk.space_settings (
  space_id uuid not null references obelisk.spaces on delete cascade,
  version integer not null,
  settings text not null,
  editor uuid not null,
  create_time timestamptz not null default now(),
  primary key (space_id, version)
);

do $$
declare
  t text;
begin
  foreach t in array array['organizations', 'organization_members', 'spaces', 'space_members'] loop
    execute format('alter table obelisk.%I enable row level security', t);
    execute format('alter table obelisk.%I force row level security', t);
    execute format('grant select on obelisk.%I to obelisk_app', t);
    execute format('grant select, insert, update, delete on obelisk.%I to obelisk_system', t);
    execute format(
      'create policy system on obelisk.%I to obelisk_system using (true) with check (true)', t);
  end loop;
end $$;

create policy own on obelisk.organization_members for select to obelisk_app
  using (user_id = obelisk.current_user_id());
create policy own on obelisk.space_members for select to obelisk_app
  using (user_id = obelisk.current_user_id());
create policy member on obelisk.organizations for select to obelisk_app
  using (exists (select from obelisk.organization_members m
                 where m.organization_id = organizations.organization_id));
create policy member on obelisk.spaces for select to obelisk_app
  using (exists (select from obelisk.space_members m where m.space_id = spaces.space_id));

alter table obelisk.space_settings enable row level security;
alter table obelisk.space_settings force row level security;
grant select, insert on obelisk.space_settings to obelisk_app;
create policy tenant on obelisk.space_settings to obelisk_app
  using (space_id = obelisk.current_space()) with check (space_id = obelisk.current_space());

grant create on schema obelisk to obelisk_system;

-- The owner is the current user and nobody else, whatever the caller says.
create function obelisk.create_organization(
  p_organization uuid, p_display_name text, p_create_time timestamptz
) returns void language sql security definer set search_path = obelisk, pg_temp as $$
  insert into obelisk.organizations values (p_organization, p_display_name, p_create_time);
  insert into obelisk.organization_members
  values (p_organization, obelisk.current_user_id(), 'owner');
$$;

-- Answers false unless the current user may create spaces in the organization.
create function obelisk.create_space(
  p_space uuid, p_organization uuid, p_display_name text, p_create_time timestamptz
) returns boolean language plpgsql security definer set search_path = obelisk, pg_temp as $$
begin
  if not exists (select from obelisk.organization_members m
                 where m.organization_id = p_organization and m.user_id = obelisk.current_user_id()
                   and m.role in ('owner', 'admin')) then
    return false;
  end if;
  insert into obelisk.spaces values (p_space, p_organization, p_display_name, p_create_time);
  insert into obelisk.space_members values (p_space, obelisk.current_user_id(), 'owner');
  return true;
end $$;

alter function obelisk.create_organization owner to obelisk_system;
alter function obelisk.create_space owner to obelisk_system;
revoke all on function obelisk.create_organization, obelisk.create_space from public;
grant execute on function obelisk.create_organization, obelisk.create_space to obelisk_app;
