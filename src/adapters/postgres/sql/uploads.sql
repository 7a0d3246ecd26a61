-- lock: uploads of a space are counted one after the other
select pg_advisory_xact_lock(hashtextextended($1::uuid::text, 13));

-- unfinished: how many of a space are on their way
select count(*) from obelisk.document_uploads
where space_id = $1 and document_id is null and expire_time > $2;

-- add: a new one
insert into obelisk.document_uploads (space_id, upload_id, filename, collection, size_bytes, create_time,
                                      expire_time)
values ($1, $2, $3, $4, $5, $6, $7);

-- get: one upload
select space_id, upload_id, filename, collection, size_bytes, create_time, expire_time, received_bytes,
       parts, document_id
from obelisk.document_uploads where space_id = $1 and upload_id = $2;

-- append: one more part, if it is the next
update obelisk.document_uploads
set received_bytes = received_bytes + $4, parts = parts || $5::uuid
where space_id = $1 and upload_id = $2 and received_bytes = $3 and document_id is null
returning space_id, upload_id, filename, collection, size_bytes, create_time, expire_time,
          received_bytes, parts, document_id;

-- finish: what it has become
update obelisk.document_uploads set document_id = $3, parts = '{}'
where space_id = $1 and upload_id = $2;

-- remove: nothing is left of it
delete from obelisk.document_uploads where space_id = $1 and upload_id = $2;

-- expired: those whose time is over, of all spaces, by ids
select e.space_id, e.upload_id from obelisk.expired_uploads($1, $2) e;
