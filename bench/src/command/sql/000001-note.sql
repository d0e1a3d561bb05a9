CREATE SCHEMA notes;
CREATE TABLE notes.note (id uuid PRIMARY KEY, author text NOT NULL, body text NOT NULL);
