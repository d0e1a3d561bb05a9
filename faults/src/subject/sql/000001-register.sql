CREATE SCHEMA register;
CREATE TABLE register.counter (name text PRIMARY KEY, value bigint NOT NULL);
-- What commands did: the state that an event must never be without, nor it without an event.
CREATE TABLE register.operation (id uuid PRIMARY KEY, counter text NOT NULL, amount int NOT NULL);
-- What the subscriber did, in the order it did so. Nothing is unique here: a second effect is to be seen, not refused.
CREATE TABLE register.effect (position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, id uuid NOT NULL, counter text NOT NULL, amount int NOT NULL, version bigint NOT NULL);
-- While a counter stands here its events cannot be handled.
CREATE TABLE register.poisoned (counter text PRIMARY KEY);
-- What jobs did, by the transaction that completed each: nothing is unique here, either.
CREATE TABLE register.settled (position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, id uuid NOT NULL);
-- When each run of a job began and ended, written beside its transaction.
CREATE TABLE register.run (position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, id uuid NOT NULL,
  began_at timestamptz NOT NULL DEFAULT clock_timestamp(), ended_at timestamptz);
