-- Transactions that wait for their time. A job posts each, or is refused for good, unless it was canceled before: once.
CREATE TABLE ledger.scheduled (
  id uuid NOT NULL,
  tenant text NOT NULL,
  reference text COLLATE "C" NOT NULL,
  postings json NOT NULL,                               -- as they were sent, by address: accounts are looked at when its time comes
  scheduled_at timestamptz NOT NULL,
  metadata jsonb NOT NULL,
  status text NOT NULL DEFAULT 'scheduled' CHECK (status IN ('scheduled', 'posted', 'refused', 'canceled')),
  transaction_id uuid,                                  -- what was posted
  fault jsonb,                                          -- what refused it
  PRIMARY KEY (id, tenant),
  UNIQUE (reference, tenant),
  FOREIGN KEY (transaction_id, tenant) REFERENCES ledger.transaction (id, tenant) DEFERRABLE INITIALLY DEFERRED,
  CONSTRAINT scheduled_posted_has_transaction CHECK ((status = 'posted') = (transaction_id IS NOT NULL)),
  CONSTRAINT scheduled_refused_has_fault CHECK ((status = 'refused') = (fault IS NOT NULL))
);
CREATE INDEX scheduled_by_status ON ledger.scheduled (tenant, status, id);
