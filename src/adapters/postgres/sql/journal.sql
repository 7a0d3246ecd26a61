-- read: what a run remembers
select kind, scope, key, payload from obelisk.run_journal where space_id = $1 and run_id = $2;

-- answer: a paused run goes on
select sequence, create_time from obelisk.answer_pause($1, $2, $3, $4, $5, $6, $7);

-- answers: what a run was answered, the latest first
select kind, payload from obelisk.run_events
where space_id = $1 and run_id = $2 and kind = 'resumed'
order by sequence desc;
