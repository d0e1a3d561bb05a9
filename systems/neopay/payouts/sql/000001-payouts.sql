-- Merchants' balances on their way to the merchants' banks.

CREATE SCHEMA payouts;

-- Where a merchant wants its money. A batch keeps its own copy: what two people saw is what is paid.
CREATE TABLE payouts.beneficiary (
  tenant text NOT NULL,
  merchant text NOT NULL,
  currency text NOT NULL,
  name text NOT NULL,
  account text NOT NULL,
  bic text,
  changed_by text NOT NULL,
  changed_at timestamptz NOT NULL,
  PRIMARY KEY (tenant, merchant, currency)
);

CREATE TABLE payouts.batch (
  id uuid PRIMARY KEY,
  number bigint GENERATED ALWAYS AS IDENTITY,           -- the order of their making
  tenant text NOT NULL,
  currency text NOT NULL,
  debtor_name text NOT NULL,
  debtor_account text NOT NULL,
  debtor_bic text,
  requested_on date NOT NULL,
  status text NOT NULL DEFAULT 'draft' CHECK (status IN ('draft', 'approved', 'sent', 'canceled')),
  created_by text NOT NULL,
  created_at timestamptz NOT NULL,
  approved_by text,
  approved_at timestamptz,
  sent_at timestamptz,
  CONSTRAINT batch_two_people CHECK (approved_by <> created_by),
  CONSTRAINT batch_approved CHECK ((status IN ('approved', 'sent')) = (approved_by IS NOT NULL))
);
CREATE INDEX batch_listed ON payouts.batch (tenant, number);

CREATE TABLE payouts.payout (
  id uuid PRIMARY KEY,
  number bigint GENERATED ALWAYS AS IDENTITY,           -- the order within the batch
  tenant text NOT NULL,
  batch uuid NOT NULL REFERENCES payouts.batch (id),
  merchant text NOT NULL,
  amount_minor bigint NOT NULL CHECK (amount_minor > 0),
  currency text NOT NULL,
  creditor_name text NOT NULL,
  creditor_account text NOT NULL,
  creditor_bic text,
  -- What comes back from the bank; 35 characters at most, so not the id itself.
  end_to_end_id text NOT NULL,
  status text NOT NULL DEFAULT 'planned'
    CHECK (status IN ('planned', 'refused', 'instructed', 'sent', 'returning', 'returned', 'canceled')),
  reason text,                                          -- of the ledger's or the bank's refusal
  transaction_id uuid,                                  -- the posting that moved the money
  settled_at timestamptz,
  UNIQUE (end_to_end_id, tenant)
);
CREATE INDEX payout_of_batch ON payouts.payout (batch, number);
