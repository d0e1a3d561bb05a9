-- The double-entry ledger: accounts, immutable transactions of postings, holds, and the seals over them.
--
-- Amounts are whole minor units. Every stored sum stays within 0 … 2^53-1, so that JSON carries each exactly.
-- A posting debits its source and credits its destination; balance = credits - debits.
-- Postings carry no trigger against UPDATE: an owner could drop it anyway, and `verify` names what was edited.

CREATE SCHEMA ledger;

CREATE TABLE ledger.account (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant text NOT NULL,
  -- Byte order, so that a prefix is a range of the index and locks have one order everywhere.
  address text COLLATE "C" NOT NULL,
  currency text NOT NULL,
  floor_minor bigint,                                   -- null: may be overdrawn without bound
  status text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'closed')),
  entry_count bigint NOT NULL DEFAULT 0,                -- number of the newest entry; entries count from 1 without a gap
  debits_minor bigint NOT NULL DEFAULT 0,
  credits_minor bigint NOT NULL DEFAULT 0,
  pending_debit_minor bigint NOT NULL DEFAULT 0,
  pending_credit_minor bigint NOT NULL DEFAULT 0,
  opened_at timestamptz NOT NULL,
  UNIQUE (tenant, address),
  CONSTRAINT account_debits_bound CHECK (debits_minor >= 0 AND pending_debit_minor >= 0
    AND debits_minor + pending_debit_minor <= 9007199254740991),
  CONSTRAINT account_credits_bound CHECK (credits_minor >= 0 AND pending_credit_minor >= 0
    AND credits_minor + pending_credit_minor <= 9007199254740991),
  CONSTRAINT account_floor CHECK (credits_minor - debits_minor - pending_debit_minor >= floor_minor),
  CONSTRAINT account_closed_empty CHECK (status = 'open'
    OR (credits_minor = debits_minor AND pending_debit_minor = 0 AND pending_credit_minor = 0))
) WITH (fillfactor = 50);                               -- half a page free keeps balance updates off the indexes (HOT)

-- Drawn only under the locks of a transaction's accounts: two transactions that share an account have their
-- numbers in the order of their commits. A posting that was rolled back leaves a gap.
CREATE SEQUENCE ledger.transaction_seq AS bigint CACHE 1;

CREATE TABLE ledger.transaction (
  seq bigint PRIMARY KEY CHECK (seq > 0),
  tenant text NOT NULL,
  id uuid NOT NULL,
  reference text COLLATE "C" NOT NULL,
  effective_at timestamptz NOT NULL,
  recorded_at timestamptz NOT NULL,
  reverts_id uuid,
  metadata jsonb NOT NULL,
  -- The tenant comes last: of keys that begin with it, the planner may take the wrong one while it has no statistics.
  UNIQUE (id, tenant),
  UNIQUE (reference, tenant)
);
CREATE UNIQUE INDEX transaction_reverted_once ON ledger.transaction (reverts_id, tenant) WHERE reverts_id IS NOT NULL;

-- No foreign keys: checking each row against its transaction and accounts cost a third of bulk posting, a trigger with one look
-- per statement a fifth (measured). ledger.post is the one writer and holds both accounts; `verify` finds any stray row.
CREATE TABLE ledger.posting (
  seq bigint NOT NULL,
  leg integer NOT NULL,                                 -- from 1, in the order of the request
  tenant text NOT NULL,
  source_id bigint NOT NULL,
  destination_id bigint NOT NULL,
  amount_minor bigint NOT NULL CHECK (amount_minor BETWEEN 1 AND 9007199254740991),
  currency text NOT NULL,
  effective_at timestamptz NOT NULL,                    -- the transaction's, here for the indexes
  -- Each side's place among its account's entries, and the balance right after it: a page of entries is one range,
  -- and `verify` recomputes every balance from its predecessor.
  source_entry bigint NOT NULL,
  source_after_minor bigint NOT NULL,
  destination_entry bigint NOT NULL,
  destination_after_minor bigint NOT NULL,
  PRIMARY KEY (seq, leg),
  CONSTRAINT posting_two_accounts CHECK (source_id <> destination_id)
);
-- Covering, so that a balance at a date reads no row.
CREATE UNIQUE INDEX posting_source_entry ON ledger.posting (source_id, source_entry) INCLUDE (effective_at, amount_minor);
CREATE UNIQUE INDEX posting_destination_entry ON ledger.posting (destination_id, destination_entry) INCLUDE (effective_at, amount_minor);
