-- old: runs that wait for a person since before then, of all spaces, by ids
select space_id, run_id from obelisk.old_pauses($1, $2);

-- expire: one of them is to stop, if it still waits
select obelisk.expire_pause($1, $2, $3);
