CREATE SCHEMA keeper;
CREATE TABLE keeper.effect (id uuid PRIMARY KEY, number integer NOT NULL);
