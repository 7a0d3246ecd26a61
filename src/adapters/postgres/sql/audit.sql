-- begin: an act that is about to be done
insert into obelisk.audit_events (audit_id, organization_id, space_id, actor, action, objects,
                                  address, correlation_id, create_time)
values ($1, $2, $3, $4, $5, $6::jsonb, $7, $8, $9);

-- end: how it ended, once; the trigger lets nothing that was known change
update obelisk.audit_events
set outcome = $2, objects = $3::jsonb, actor = coalesce(actor, $4),
    organization_id = coalesce(organization_id, $5)
where audit_id = $1 and outcome is null;

-- list: the acts in one organization, newest first, after a key
select audit_id, organization_id, space_id, actor, action, objects, address, correlation_id,
       outcome, create_time
from obelisk.audit_events
where organization_id = $1 and ($2::uuid is null or audit_id < $2)
order by audit_id desc limit $3;
