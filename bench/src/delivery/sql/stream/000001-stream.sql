CREATE SCHEMA stream;
CREATE TABLE stream.written (number integer NOT NULL);
