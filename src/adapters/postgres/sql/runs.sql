-- accept: new runs of one space with event 1 and their questions, or what speaks against them
select a.outcome, a.superseded, (a.accepted).*
from unnest($2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::uuid[], $7::text[],
            $8::text[], $9::text[], $10::timestamptz[], $11::boolean[], $12::text[], $13::integer[],
            $14::integer[], $15::uuid[], $16::uuid[], $17::text[], $18::integer[], $19::text[])
     with ordinality n (run, person, agent, question, conversation, documents, request,
                        fingerprint, create_time, require_approval, double_text, running_limit,
                        queue_limit, worker, message, kind, version, payload, place)
cross join lateral obelisk.accept_run(
  $1, n.run, n.person, n.agent, n.question, n.conversation, n.documents::uuid[], n.request,
  n.fingerprint, n.create_time, n.require_approval, n.double_text, n.running_limit, n.queue_limit,
  n.worker, n.message, n.kind, n.version, n.payload) a
order by n.place;

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
