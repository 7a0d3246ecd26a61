-- beat: this process lives; the runs that it has, of all spaces, by ids
select space_id, run_id, fence, cancel_reason from obelisk.beat($1, $2, $3);

-- reap: runs whose process is gone wait again
select obelisk.reap();

-- claim_runs: the next runs for a process, of all spaces in fairness
select * from obelisk.claim_runs($1, $2, $3);

-- claim_documents: the next documents for a process, of all spaces in fairness, by ids
select space_id, document_id, fence, attempts from obelisk.claim_documents($1, $2, $3, $4, $5);

-- lost: runs that were taken from a process while it did not beat
select space_id, run_id from obelisk.lost_runs($1);

-- forgive: an attempt that was not the run's to spend
select obelisk.forgive_run($1, $2, $3);

-- release: one run waits again for a process
select obelisk.release_run($1, $2, $3, $4);

-- leave: this process goes
select obelisk.leave($1);
