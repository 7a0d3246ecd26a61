-- standing: the summary of a conversation, if it has one; no row when there is no such conversation
select s.content, s.mark, s.author, s.version, s.last_run_id, s.last_message_id
from obelisk.conversations c
left join obelisk.conversation_summaries s
  on s.space_id = c.space_id and s.conversation_id = c.conversation_id
where c.space_id = $1 and c.conversation_id = $2;

-- recall: the last messages of runs after one and before another, newest first
select m.*, true as ended from obelisk.messages m
where m.space_id = $1 and m.conversation_id = $2 and m.run_id > $3 and m.run_id <> $4
  -- One that was answered came before, whatever the clock of its server said.
  and (m.run_id < $4 or exists (
    select from obelisk.runs r join obelisk.messages a on a.space_id = r.space_id and a.run_id = r.run_id
    where r.space_id = $1 and r.run_id = m.run_id and r.state = 'ended'
      and a.conversation_id = $2 and a.role = 'assistant'))
order by m.run_id desc, m.message_id desc limit $5;

-- last: the last message of those
select m.message_id from obelisk.messages m
where m.space_id = $1 and m.conversation_id = $2 and m.run_id > $3 and m.run_id <> $4
  and (m.run_id < $4 or exists (
    select from obelisk.runs r join obelisk.messages a on a.space_id = r.space_id and a.run_id = r.run_id
    where r.space_id = $1 and r.run_id = m.run_id and r.state = 'ended'
      and a.conversation_id = $2 and a.role = 'assistant'))
order by m.run_id desc, m.message_id desc limit 1;

-- unfolded: the first messages of runs after one, oldest first, and whether their runs have ended
select m.*, r.state = 'ended' as ended
from obelisk.messages m
left join obelisk.runs r on r.space_id = m.space_id and r.run_id = m.run_id
where m.space_id = $1 and m.conversation_id = $2 and m.run_id > $3
order by m.run_id, m.message_id limit $4;

-- first_summary: of a conversation that has none
insert into obelisk.conversation_summaries (space_id, conversation_id, version, content, mark, author,
                                            last_run_id, last_message_id)
values ($1, $2, $3, $4, $5, $6, $7, $8)
on conflict (space_id, conversation_id) do nothing
returning version;

-- next_summary: in the place of the version before it and of no other
update obelisk.conversation_summaries
set version = $3, content = $4, mark = $5, author = $6, last_run_id = $7, last_message_id = $8,
    update_time = now()
where space_id = $1 and conversation_id = $2 and version = $3 - 1 and last_run_id < $7
returning version;
