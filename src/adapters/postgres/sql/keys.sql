-- lock_keys: one change of the keys at a time, among all processes, until this transaction ends
select pg_advisory_xact_lock(hashtext('obelisk.signing_keys'));

-- read_keys: every key, in the order in which they begin to sign
select kid, public_jwk, sealed_private, publish_time, activate_time
from obelisk.signing_keys order by activate_time;

-- drop_keys: forget all but these
delete from obelisk.signing_keys where kid <> all ($1::text[]);

-- put_key: a new key, or other times for one that is there
insert into obelisk.signing_keys (kid, public_jwk, sealed_private, publish_time, activate_time)
values ($1, $2, $3, $4, $5)
on conflict (kid) do update
  set publish_time = excluded.publish_time, activate_time = excluded.activate_time;
