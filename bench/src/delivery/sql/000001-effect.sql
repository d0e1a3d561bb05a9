CREATE TABLE stream.effect (number integer PRIMARY KEY, sent_ms double precision NOT NULL);
