-- first: whether nobody else is present
select pg_try_advisory_lock($1);

-- enter: be present, beside others
select pg_advisory_lock_shared($1);

-- open: let others in
select pg_advisory_unlock($1);
