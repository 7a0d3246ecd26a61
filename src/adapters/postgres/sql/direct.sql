-- backend: the server process behind this connection, as the server itself numbers it
select pg_backend_pid();
