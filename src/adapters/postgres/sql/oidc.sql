-- begin: a sign-in at a provider
insert into obelisk.oidc_flows (state_hash, provider, sealed, expire_time) values ($1, $2, $3, $4);

-- sweep_flows: a few of those that nobody finished in time
delete from obelisk.oidc_flows where state_hash in (
  select state_hash from obelisk.oidc_flows where expire_time <= $1
  order by expire_time limit 50 for update skip locked
);

-- take: a sign-in, once; one that is over is gone as well
delete from obelisk.oidc_flows where state_hash = $1 returning provider, sealed, expire_time;

-- user_of: whose account a subject is
select user_id from obelisk.oidc_identities where provider = $1 and subject = $2;

-- issuers_of: where an account has a subject
select provider from obelisk.oidc_identities where user_id = $1;

-- lock_account: one subject at a time, or two of one provider would both be the first
select user_id from obelisk.users where user_id = $1 for update;

-- link: the account becomes the subject's, unless either is somebody's already
insert into obelisk.oidc_identities (provider, subject, user_id)
select $1, $2, $3
where not exists (select from obelisk.oidc_identities where provider = $1 and user_id = $3)
on conflict do nothing;

-- open_invitations: of an email, in any organization: whom a provider vouches for may accept them
select token_hash from obelisk.invitations
where email = $1 and accept_time is null and revoke_time is null and expire_time > $2
order by create_time limit 100;
