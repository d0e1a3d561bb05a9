CREATE SCHEMA notes;
CREATE TABLE notes.note (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  text text NOT NULL UNIQUE,
  sealed boolean NOT NULL DEFAULT true
);
CREATE TABLE notes.tally (
  first_letter text PRIMARY KEY,
  note_count bigint NOT NULL
);
