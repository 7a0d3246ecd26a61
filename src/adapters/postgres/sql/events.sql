-- append: the next events of many runs, each by its fenced writer
select space_id, run_id, first_sequence, create_time
from obelisk.append_many($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14,
                         $15, $16, $17, $18, $19, $20, $21, $22);

-- read: events after a cursor
select sequence, kind, payload, create_time from obelisk.events_after($1, $2, $3, $4);

-- keep_weeks: partitions of coming weeks are made, those of weeks long past dropped
select dropped from obelisk.keep_event_weeks($1, $2, $3);
