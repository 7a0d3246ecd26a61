-- What a conversation remembers of the turns that its window has left behind.

create table obelisk.conversation_summaries (
  space_id uuid not null,
  conversation_id uuid not null,
  version integer not null check (version >= 1),
  content text not null,
  mark text not null,
  author text not null,
  last_run_id uuid not null,
  last_turn bigint not null,
  last_message_id uuid not null,
  update_time timestamptz not null default now(),
  primary key (space_id, conversation_id),
  foreign key (space_id, conversation_id) references obelisk.conversations on delete cascade
) with (fillfactor = 50);

alter table obelisk.conversation_summaries enable row level security;
alter table obelisk.conversation_summaries force row level security;
grant select, insert, update, delete on obelisk.conversation_summaries to obelisk_app;
create policy tenant on obelisk.conversation_summaries to obelisk_app
  using (space_id = obelisk.current_space()) with check (space_id = obelisk.current_space());
