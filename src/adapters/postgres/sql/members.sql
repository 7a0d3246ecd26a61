-- members: the organization's, or one space's, by user id after a key; or a single one
select user_id, email, display_name, role, service
from obelisk.members_of($1, $2, $3, $4, $5);

-- lock_members: one change of an organization's members at a time, or two owners could remove each other
select organization_id from obelisk.organizations where organization_id = $1 for no key update;

-- change_in_view: all that a change of a member is judged by
select (select role from obelisk.organization_members where organization_id = $1 and user_id = $2) as actor,
       (select role from obelisk.organization_members where organization_id = $1 and user_id = $3) as current,
       obelisk.other_owners($1, $3) as other_owners,
       exists (select from obelisk.service_clients
               where organization_id = $1 and client_id = $3) as service;

-- set_role: another role for a member
update obelisk.organization_members set role = $3 where organization_id = $1 and user_id = $2;

-- remove: no longer a member, and by the foreign key of no space either
delete from obelisk.organization_members where organization_id = $1 and user_id = $2;

-- space_change_in_view: all that a change of a space's member is judged by
select (select role from obelisk.organization_members where organization_id = $1 and user_id = $3)
         as actor_outside,
       (select role from obelisk.space_members
        where organization_id = $1 and space_id = $2 and user_id = $3) as actor_inside,
       (select role from obelisk.organization_members where organization_id = $1 and user_id = $4)
         as outside,
       (select role from obelisk.space_members
        where organization_id = $1 and space_id = $2 and user_id = $4) as current,
       exists (select from obelisk.spaces where organization_id = $1 and space_id = $2) as space,
       exists (select from obelisk.service_clients
               where organization_id = $1 and client_id = $4) as service;

-- set_space_role: a role in a space, whether there was one or not
insert into obelisk.space_members (space_id, organization_id, user_id, role)
values ($1, $2, $3, $4)
on conflict (space_id, user_id) do update set role = excluded.role;

-- remove_from_space: no longer a member of it
delete from obelisk.space_members where organization_id = $1 and space_id = $2 and user_id = $3;

-- add_invitation: an open one
insert into obelisk.invitations (organization_id, invitation_id, email, role, space_roles, token_hash,
                                 inviter, create_time, expire_time)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9);

-- count_invitations: how many are open
select count(*) from obelisk.invitations
where organization_id = $1 and accept_time is null and revoke_time is null and expire_time > $2;

-- open_invitations: newest first, after a key
select organization_id, invitation_id, email, role, space_roles, inviter, create_time, expire_time
from obelisk.invitations
where organization_id = $1 and accept_time is null and revoke_time is null and expire_time > $2
  and ($3::uuid is null or invitation_id < $3)
order by invitation_id desc limit $4;

-- revoke_invitation: void from now on
update obelisk.invitations set revoke_time = $3
where organization_id = $1 and invitation_id = $2
  and accept_time is null and revoke_time is null and expire_time > $3;

-- invitation_of_token: an open one, whatever organization it is of
select organization_id, invitation_id, email, role, space_roles, inviter, create_time, expire_time
from obelisk.invitations
where token_hash = $1 and accept_time is null and revoke_time is null and expire_time > $2;

-- invitation_to_accept: the same under a row lock, so that it is used once
select organization_id, invitation_id, email, role, space_roles, inviter, create_time, expire_time
from obelisk.invitations
where token_hash = $1 and accept_time is null and revoke_time is null and expire_time > $2
for update;

-- is_for: whether this account may accept what was sent to this email
select exists (select from obelisk.users where user_id = $1 and email = $2 and not disabled);

-- is_disabled: whether an account may do nothing any more
select exists (select from obelisk.users where user_id = $1 and disabled);

-- join: a member of the organization; a stronger role than this one stays ($4: strongest first)
insert into obelisk.organization_members (organization_id, user_id, role) values ($1, $2, $3)
on conflict (organization_id, user_id) do update set role = excluded.role
where array_position($4::text[], excluded.role) < array_position($4::text[], organization_members.role);

-- join_space: a member of the space; a stronger role than this one stays ($5: strongest first)
insert into obelisk.space_members (space_id, organization_id, user_id, role)
values ($1, $2, $3, $4)
on conflict (space_id, user_id) do update set role = excluded.role
where array_position($5::text[], excluded.role) < array_position($5::text[], space_members.role);

-- use_up: the invitation was accepted
update obelisk.invitations set accept_time = $3
where organization_id = $1 and invitation_id = $2;

-- add_client: a service with the digest of its secret
insert into obelisk.service_clients (organization_id, client_id, display_name, secret_hash, create_time)
values ($1, $2, $3, $4, $5);

-- count_clients: how many are not revoked
select count(*) from obelisk.service_clients where organization_id = $1 and revoke_time is null;

-- clients: oldest first
select organization_id, client_id, display_name, create_time, revoke_time is not null as revoked
from obelisk.service_clients where organization_id = $1 order by client_id;

-- revoke_client: ended for good; the time of the first revocation stays
update obelisk.service_clients set revoke_time = coalesce(revoke_time, now())
where organization_id = $1 and client_id = $2;

-- client_by_id: whatever organization it belongs to
select organization_id, client_id, display_name, create_time, revoke_time is not null as revoked,
       secret_hash
from obelisk.service_clients where client_id = $1;
