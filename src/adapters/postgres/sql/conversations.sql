-- add: an empty conversation
insert into obelisk.conversations (space_id, conversation_id, title, create_time)
values ($1, $2, $3, $4);

-- list: newest first, after a key
select * from obelisk.conversations
where space_id = $1 and ($2::uuid is null or conversation_id < $2)
order by conversation_id desc limit $3;

-- exists: whether it is in this space
select exists (select from obelisk.conversations where space_id = $1 and conversation_id = $2);

-- messages: in the order in which they were said, after one of them
select m.* from obelisk.messages m
where m.space_id = $1 and m.conversation_id = $2 and m.place > coalesce(
  (select a.place from obelisk.messages a
   where a.space_id = $1 and a.conversation_id = $2 and a.message_id = $3),
  -- It was taken out since: then after the one before it.
  (select a.place from obelisk.messages a
   where a.space_id = $1 and a.conversation_id = $2 and a.message_id < $3
   order by a.message_id desc limit 1), 0)
order by m.place limit $4;

-- get: one conversation
select * from obelisk.conversations where space_id = $1 and conversation_id = $2;

-- rename: its title from now on
update obelisk.conversations set title = $3 where space_id = $1 and conversation_id = $2
returning *;

-- delete: the conversation, and by its foreign keys its messages
delete from obelisk.conversations where space_id = $1 and conversation_id = $2;
