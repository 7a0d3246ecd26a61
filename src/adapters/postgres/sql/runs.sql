-- accept: a new run with event 1 and its question, or what speaks against it
select outcome, superseded, (accepted).*
from obelisk.accept_run($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18,
                        $19);

-- get: one run
select * from obelisk.runs where space_id = $1 and run_id = $2;

-- requested: the run that a request has started
select * from obelisk.runs where space_id = $1 and request_id = $2;

-- list: newest first, after a key
select * from obelisk.runs
where space_id = $1 and ($2::uuid is null or run_id < $2)
order by run_id desc limit $3;

-- claim: a new only writer
update obelisk.runs set fence = fence + 1, state = 'running', attempts = attempts + 1, worker_id = $3
where space_id = $1 and run_id = $2 and state <> 'ended'
returning *;

-- request_cancel: the run is to stop; one that is with nobody waits for whoever ends it
update obelisk.runs
set cancel_requested = cancel_requested or state <> 'ended',
    cancel_reason = case when state = 'ended' then cancel_reason else coalesce(cancel_reason, $3) end,
    state = case when state = 'paused' then 'queued' else state end
where space_id = $1 and run_id = $2
returning *;

-- release: the run waits again for a process
select obelisk.release_run($1, $2, $3, $4);
