-- standing: the summary of a conversation, if it has one; no row when there is no such conversation
select s.content, s.mark, s.author, s.version, s.last_run_id, s.last_turn, s.last_message_id
from obelisk.conversations c
left join obelisk.conversation_summaries s
  on s.space_id = c.space_id and s.conversation_id = c.conversation_id
where c.space_id = $1 and c.conversation_id = $2;

-- recall: the last messages of turns after one and before that of a run, newest first; a draft is no
-- answer before its run has ended
select m.*, true as ended from obelisk.messages m
where m.space_id = $1 and m.conversation_id = $2 and m.turn > $3
  and ($4::uuid is null or m.turn < (
    select r.turn from obelisk.runs r where r.space_id = $1 and r.run_id = $4))
  and (m.role = 'user' or not exists (
    select from obelisk.runs u
    where u.space_id = $1 and u.conversation_id = $2 and u.run_id = m.run_id and u.state <> 'ended'))
order by m.turn desc, m.place desc limit $5;

-- last: the last message of those
select m.message_id from obelisk.messages m
where m.space_id = $1 and m.conversation_id = $2 and m.turn > $3
  and ($4::uuid is null or m.turn < (
    select r.turn from obelisk.runs r where r.space_id = $1 and r.run_id = $4))
  and (m.role = 'user' or not exists (
    select from obelisk.runs u
    where u.space_id = $1 and u.conversation_id = $2 and u.run_id = m.run_id and u.state <> 'ended'))
order by m.turn desc, m.place desc limit 1;

-- unfolded: the first messages of turns after one, oldest first, and whether their runs have ended
select m.*, r.state = 'ended' as ended
from obelisk.messages m
left join obelisk.runs r on r.space_id = m.space_id and r.run_id = m.run_id
where m.space_id = $1 and m.conversation_id = $2 and m.turn > $3
order by m.turn, m.place limit $4;

-- first_summary: of a conversation that has none
insert into obelisk.conversation_summaries (space_id, conversation_id, version, content, mark, author,
                                            last_run_id, last_message_id, last_turn)
values ($1, $2, $3, $4, $5, $6, $7, $8, coalesce((
  select m.turn from obelisk.messages m
  where m.space_id = $1 and m.conversation_id = $2 and m.message_id = $8), 0))
on conflict (space_id, conversation_id) do nothing
returning version;

-- next_summary: in the place of the version before it and of no other
update obelisk.conversation_summaries s
set version = $3, content = $4, mark = $5, author = $6, last_run_id = $7, last_message_id = $8,
    last_turn = m.turn, update_time = now()
from obelisk.messages m
where s.space_id = $1 and s.conversation_id = $2 and s.version = $3 - 1
  and m.space_id = $1 and m.conversation_id = $2 and m.message_id = $8 and m.turn > s.last_turn
returning s.version;
