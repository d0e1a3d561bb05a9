-- Merchants: who may collect, on what terms, and the hash of the key they sign and call with.
CREATE SCHEMA merchants;

CREATE TABLE merchants.merchant (
  tenant text NOT NULL,
  code text COLLATE "C" NOT NULL,
  name text NOT NULL,
  currency text NOT NULL,
  status text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'approved', 'suspended')),
  fee_plan jsonb NOT NULL,
  webhook_url text,
  key_hash bytea NOT NULL CHECK (octet_length(key_hash) = 32),  -- SHA-256; the key itself was never here
  created_at timestamptz NOT NULL,
  PRIMARY KEY (tenant, code),
  UNIQUE (key_hash)
);
