CREATE SCHEMA relay;

-- `place` tells the order of effects; nothing here refuses a repetition.
CREATE TABLE relay.heard (place bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, key text NOT NULL, n int NOT NULL);
CREATE TABLE relay.echo (place bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, key text NOT NULL, n int NOT NULL);
CREATE TABLE relay.together (place bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, key text NOT NULL, n int NOT NULL);
CREATE TABLE relay.poison (key text NOT NULL, n int NOT NULL);
CREATE TABLE relay.tally (key text PRIMARY KEY, word_count int NOT NULL, last_n int NOT NULL);
