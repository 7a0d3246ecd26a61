-- versions: what the server is, and which pgvector it could install
select current_setting('server_version_num')::integer as server,
       (select default_version from pg_available_extensions where name = 'vector') as pgvector;

-- prepare: the roles, which belong to the server, and the table of what was applied
do $$
declare
  r text;
begin
  foreach r in array array['obelisk_app', 'obelisk_search', 'obelisk_system', 'obelisk_identity'] loop
    if not exists (select from pg_roles where rolname = r) then
      begin
        execute format('create role %I nologin', r);
      exception when duplicate_object or unique_violation then null;
      end;
    end if;
    -- From 16 on, whoever creates a role may grant it, but not become it unless that is granted.
    if not pg_has_role(current_user, r, case when current_setting('server_version_num')::integer
                                             >= 160000 then 'set' else 'member' end) then
      execute format('grant %I to current_user', r);
    end if;
  end loop;
  -- The application becomes obelisk_identity for a transaction when it asks to, and never by itself.
  if not pg_has_role('obelisk_app', 'obelisk_identity', 'member') then
    alter role obelisk_app noinherit;
    grant obelisk_identity to obelisk_app;
  end if;
end $$;
create table if not exists public.obelisk_migrations (
  number integer primary key,
  name text not null,
  sha256 text not null,
  apply_time timestamptz not null default now()
);

-- applied: the migrations of this database, in order
select number, name, sha256 from public.obelisk_migrations order by number;

-- record: one more migration was applied
insert into public.obelisk_migrations (number, name, sha256) values ($1, $2, $3);

-- let_application_in: the application's role may log in by itself
alter role obelisk_app login;
