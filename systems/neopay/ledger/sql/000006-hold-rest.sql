-- What a committed hold left over may be held on, in the same transaction, as a hold of its own: that one's id.
ALTER TABLE ledger.hold ADD COLUMN rest_id uuid,
  ADD CONSTRAINT hold_rest_of_a_part CHECK (rest_id IS NULL OR (status = 'committed' AND captured_minor < amount_minor)),
  ADD FOREIGN KEY (rest_id, tenant) REFERENCES ledger.hold (id, tenant) DEFERRABLE INITIALLY DEFERRED;
