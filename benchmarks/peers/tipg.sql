-- The same rows for tipg: it wants one geometry column with an SRID, and boxes that are degrees on Earth, so
-- arcseconds become degrees.
CREATE SCHEMA IF NOT EXISTS tipg;
CREATE TABLE IF NOT EXISTS tipg.event AS
    SELECT id, kb_archivid, event_type::text, event_starttime, event_endtime,
           ST_SetSRID(ST_Scale(hpc_bbox, 1 / 3600.0, 1 / 3600.0), 4326)::geometry(Polygon, 4326) AS geom,
           ST_AsText(hpc_boundcc) AS cc, ST_AsText(hpc_coord) AS coordinate
    FROM events_event;
CREATE INDEX IF NOT EXISTS tipg_event_geom ON tipg.event USING gist (geom);
CREATE INDEX IF NOT EXISTS tipg_event_type_start ON tipg.event (event_type, event_starttime);
DO $$ BEGIN
    ALTER TABLE tipg.event ADD PRIMARY KEY (id);
EXCEPTION WHEN invalid_table_definition THEN NULL;
END $$;
ANALYZE tipg.event;
