CREATE SCHEMA crew;
CREATE TABLE crew.effect (id uuid PRIMARY KEY, number integer NOT NULL);
