-- A file of schema 1 as it was released. Never edit.
PRAGMA application_id = 1869640815;
PRAGMA user_version = 1;
BEGIN TRANSACTION;
CREATE TABLE event (
            run TEXT NOT NULL,
            seq INTEGER NOT NULL,
            at TEXT NOT NULL,
            kind TEXT NOT NULL,
            span TEXT,
            data TEXT NOT NULL,
            PRIMARY KEY (run, seq)
        );
INSERT INTO "event" VALUES('golden',1,'2026-01-02T03:04:05+00:00','first',NULL,'{"n":1}');
INSERT INTO "event" VALUES('golden',2,'2026-01-02T03:04:06+00:00','second','s','{"text":"ü"}');
CREATE TABLE lease (
            run TEXT NOT NULL PRIMARY KEY,
            token TEXT NOT NULL,
            host TEXT NOT NULL,
            pid INTEGER NOT NULL,
            started TEXT NOT NULL,
            boot TEXT NOT NULL,
            pid_space TEXT NOT NULL
        );
CREATE TRIGGER event_never_changes BEFORE UPDATE ON event
            BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
CREATE TRIGGER event_never_goes BEFORE DELETE ON event
            BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
COMMIT;
