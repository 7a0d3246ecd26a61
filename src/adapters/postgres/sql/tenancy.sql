-- add_organization: an organization with its owner, through the role that may write identity rows
select obelisk.create_organization($1, $2, $3);

-- organizations_of: those that the current user is a member of, oldest first
select o.organization_id, o.display_name, o.create_time
from obelisk.organizations o
join obelisk.organization_members m on m.organization_id = o.organization_id and m.user_id = $1
order by o.organization_id;

-- add_space: a space with its owner; false when the organization is not the owner's to build in
select obelisk.create_space($1, $2, $3, $4);

-- spaces_of: those of one organization that a user may enter, oldest first
select s.space_id, s.organization_id, s.display_name, s.create_time
from obelisk.spaces s
join obelisk.standing($2) m on m.organization_id = $1 and m.space_id = s.space_id
where s.organization_id = $1
order by s.space_id;

-- rename_organization: what it is called from now on
update obelisk.organizations set display_name = $2 where organization_id = $1
returning organization_id, display_name, create_time;

-- rename_space: what it is called from now on
update obelisk.spaces set display_name = $3 where organization_id = $1 and space_id = $2
returning space_id, organization_id, display_name, create_time;

-- role_in: a user's role in an organization
select role from obelisk.organization_members where organization_id = $1 and user_id = $2;

-- access_to: a user's standing in one space
select organization_id, space_id, organization_role, space_role
from obelisk.standing_in($1, $2);

-- standings_of: a user's standing in each space, or in those of one organization
select organization_id, space_id, organization_role, space_role
from obelisk.standing($1)
where $2::uuid is null or organization_id = $2
order by space_id;

-- epoch_of: how often a user's standing has changed
select epoch from obelisk.principal_epochs where user_id = $1;

-- get_settings: the settings in force
select obelisk.settings_in_force($1);

-- lock_settings: one editor of a space at a time, or two would take the same version
select pg_advisory_xact_lock(hashtext('obelisk.space_settings'), hashtext($1::uuid::text));

-- put_settings: the next version
insert into obelisk.space_settings (space_id, version, settings, editor)
select $1, coalesce(max(version), 0) + 1, $2, $3 from obelisk.space_settings where space_id = $1;

-- settings_versions: newest first, before a version
select version, settings, editor, create_time from obelisk.space_settings
where space_id = $1 and ($2::integer is null or version < $2)
order by version desc limit $3;
