-- prepare: the engine's schema, and what of it has been applied
create schema if not exists procrastinate;
create table if not exists procrastinate.obelisk_applied (
  name text primary key,
  apply_time timestamptz not null default now()
);

-- applied: the engine's migrations that this database has
select name from procrastinate.obelisk_applied;

-- enter: the engine's statements name no schema
set local search_path = procrastinate, public;

-- record: one more is applied
insert into procrastinate.obelisk_applied (name) values ($1);

-- let_in: the application works with the queue, and nobody else does
do $$
begin
  grant usage on schema procrastinate to obelisk_app;
  grant select, insert, update, delete on all tables in schema procrastinate to obelisk_app;
  revoke insert, update, delete on procrastinate.obelisk_applied from obelisk_app;
  grant usage on all sequences in schema procrastinate to obelisk_app;
end $$;
