CREATE SCHEMA stream;
CREATE TABLE stream.effect (id uuid PRIMARY KEY, number integer NOT NULL);
CREATE TABLE stream.written (number integer NOT NULL);
