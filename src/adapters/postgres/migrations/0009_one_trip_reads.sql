-- What every run reads, each in one round trip: they confine themselves to the space that they name, as
-- row-level security does with everything that they see.

create function obelisk.events_after(
  p_space uuid, p_run uuid, p_after bigint, p_limit integer
) returns table (sequence bigint, kind text, payload text, create_time timestamptz) language plpgsql as $$
#variable_conflict use_column
begin
  perform set_config('app.space_id', p_space::text, true);
  return query
  select e.sequence, e.kind, e.payload, e.create_time from obelisk.run_events e
  where e.space_id = p_space and e.run_id = p_run and e.sequence > p_after
  order by e.sequence limit p_limit;
end $$;

create function obelisk.settings_in_force(p_space uuid) returns text language plpgsql as $$
begin
  perform set_config('app.space_id', p_space::text, true);
  return (
    select s.settings from obelisk.space_settings s
    where s.space_id = p_space order by s.version desc limit 1);
end $$;
