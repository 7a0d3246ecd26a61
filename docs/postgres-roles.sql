-- Once, as a superuser, on a PostgreSQL server of your own (15 or newer, with pgvector 0.8 or newer):
--
--   POSTGRES_OWNER_PASSWORD=... POSTGRES_LOGIN_PASSWORD=... psql --username=postgres --file=docs/postgres-roles.sql
--
-- It makes the database `obelisk`, its owner (who migrates), a login for the application, and the four
-- roles that the schema's policies name. None of them is a superuser or passes row-level security.
\set ON_ERROR_STOP on
\getenv owner_password POSTGRES_OWNER_PASSWORD
\getenv login_password POSTGRES_LOGIN_PASSWORD

create role obelisk_app nologin noinherit;
create role obelisk_search nologin;
create role obelisk_system nologin;
create role obelisk_identity nologin;
create role obelisk_owner login password :'owner_password';
create role obelisk_login login password :'login_password';
grant obelisk_identity to obelisk_app;
grant obelisk_app, obelisk_search, obelisk_system, obelisk_identity to obelisk_owner;
grant obelisk_app to obelisk_login;

create database obelisk owner obelisk_owner;
\connect obelisk
-- pgvector is not a trusted extension: only a superuser may create it.
create extension vector;
