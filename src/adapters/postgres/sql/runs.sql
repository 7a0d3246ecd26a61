-- create: a new run; nothing when its request_id was used before
insert into obelisk.runs (space_id, run_id, user_id, agent, question, conversation_id,
                          document_ids, request_id, fingerprint, state, last_sequence, create_time)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'queued', 1, $10)
on conflict (space_id, request_id) do nothing
returning run_id;

-- first_event: event 1, in the same transaction
insert into obelisk.run_events (space_id, run_id, sequence, kind, version, payload, create_time)
values ($1, $2, 1, $3, $4, $5, $6);

-- question: the question as a message of its conversation
insert into obelisk.messages (space_id, conversation_id, message_id, run_id, role, content)
values ($1, $2, $3, $4, 'user', $5);

-- by_request: the run that a request_id started
select * from obelisk.runs where space_id = $1 and request_id = $2;

-- get: one run
select * from obelisk.runs where space_id = $1 and run_id = $2;

-- list: newest first, after a key
select * from obelisk.runs
where space_id = $1 and ($2::uuid is null or run_id < $2)
order by run_id desc limit $3;

-- claim: a new only writer
update obelisk.runs set fence = fence + 1, state = 'running'
where space_id = $1 and run_id = $2 and state <> 'ended'
returning *;

-- request_cancel: the run is to stop
update obelisk.runs set cancel_requested = cancel_requested or state <> 'ended'
where space_id = $1 and run_id = $2
returning *;

-- unfinished_runs: of all spaces; answered by obelisk_system
select space_id, run_id from obelisk.unfinished_runs();

-- unfinished_documents: of all spaces; answered by obelisk_system
select space_id, document_id from obelisk.unfinished_documents();
