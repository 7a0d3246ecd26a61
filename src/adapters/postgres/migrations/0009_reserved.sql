-- Its number is taken elsewhere; nothing changes here.
select 1;
