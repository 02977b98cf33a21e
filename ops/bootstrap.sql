-- The role, the database and the extensions of the application: changes only what is missing.
-- Run by a superuser: at every start of the private cluster, and by the first start of the compose
-- deployment's database. The role's password comes from the environment, ISD_DB_PASSWORD.
\set ON_ERROR_STOP on
\getenv password ISD_DB_PASSWORD
SET client_min_messages = warning;

SELECT 'CREATE ROLE isd LOGIN CREATEDB' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'isd') \gexec
ALTER ROLE isd PASSWORD :'password';

-- Test databases are copies of template1, and only a superuser may install PostGIS.
\connect template1
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS postgis;
CREATE EXTENSION IF NOT EXISTS btree_gist;

\connect postgres
SELECT 'CREATE DATABASE isd OWNER isd TEMPLATE template1'
 WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'isd') \gexec

-- For a database made before an extension joined this list.
\connect isd
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS postgis;
CREATE EXTENSION IF NOT EXISTS btree_gist;
