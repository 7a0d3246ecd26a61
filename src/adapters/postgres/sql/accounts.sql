-- add: a new account; nothing when its id or its email is taken
insert into obelisk.users (user_id, email, display_name, password_hash, operator, disabled, create_time)
values ($1, $2, $3, $4, $5, $6, $7)
on conflict do nothing
returning user_id;

-- find: the account of an email, with where it was lately used from
select u.user_id, u.email, u.display_name, u.operator, u.disabled, u.create_time, u.password_hash,
       array(select s.address from obelisk.sessions s
             where s.user_id = u.user_id and s.create_time > now() - interval '30 days'
             order by s.session_id desc limit 50) as addresses
from obelisk.users u
where u.email = $1;

-- get: the account of an id, with where it was lately used from
select u.user_id, u.email, u.display_name, u.operator, u.disabled, u.create_time, u.password_hash,
       array(select s.address from obelisk.sessions s
             where s.user_id = u.user_id and s.create_time > now() - interval '30 days'
             order by s.session_id desc limit 50) as addresses
from obelisk.users u
where u.user_id = $1;

-- set_password: only instead of the hash that was looked at
update obelisk.users set password_hash = $2
where user_id = $1 and password_hash is not distinct from $3
returning user_id;

-- page: accounts by id, after one
select user_id, email, display_name, operator, disabled, create_time
from obelisk.users
where $1::uuid is null or user_id > $1
order by user_id limit $2;
