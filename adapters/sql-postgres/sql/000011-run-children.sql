-- Whether a step of another run awaits it: its end is then stored as a message to that step.
ALTER TABLE banyan.workflow ADD COLUMN is_child boolean NOT NULL DEFAULT false;
