-- add: an empty conversation
insert into obelisk.conversations (space_id, conversation_id, title, create_time)
values ($1, $2, $3, $4);

-- list: newest first, after a key
select * from obelisk.conversations
where space_id = $1 and ($2::uuid is null or conversation_id < $2)
order by conversation_id desc limit $3;

-- exists: whether it is in this space
select exists (select from obelisk.conversations where space_id = $1 and conversation_id = $2);

-- messages: oldest first, after a key
select * from obelisk.messages
where space_id = $1 and conversation_id = $2 and ($3::uuid is null or message_id > $3)
order by message_id limit $4;

-- get: one conversation
select * from obelisk.conversations where space_id = $1 and conversation_id = $2;

-- rename: its title from now on
update obelisk.conversations set title = $3 where space_id = $1 and conversation_id = $2
returning *;

-- delete: the conversation, and by its foreign keys its messages
delete from obelisk.conversations where space_id = $1 and conversation_id = $2;
