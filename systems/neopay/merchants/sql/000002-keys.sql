-- The keys that merchants sign and call with; of each its SHA-256: the key itself is shown once, and was never here.
CREATE TABLE merchants.api_key (
  id uuid NOT NULL,
  tenant text NOT NULL,
  merchant text COLLATE "C" NOT NULL,
  name text NOT NULL,
  permissions text[] NOT NULL,
  hint text NOT NULL,                                   -- its beginning and end
  hash bytea NOT NULL CHECK (octet_length(hash) = 32),
  old_hash bytea CHECK (octet_length(old_hash) = 32),   -- the one before, which is taken until then, too
  old_until timestamptz,
  created_by text NOT NULL,
  created_at timestamptz NOT NULL,
  revoked_at timestamptz,
  PRIMARY KEY (id, tenant),
  FOREIGN KEY (tenant, merchant) REFERENCES merchants.merchant (tenant, code),
  UNIQUE (hash),
  CONSTRAINT api_key_old_ends CHECK ((old_hash IS NULL) = (old_until IS NULL))
);
CREATE INDEX api_key_of_merchant ON merchants.api_key (tenant, merchant);
CREATE UNIQUE INDEX api_key_by_old_hash ON merchants.api_key (old_hash) WHERE old_hash IS NOT NULL;

-- Merchants had one key, to sign with: that is all that it may go on to do.
INSERT INTO merchants.api_key (id, tenant, merchant, name, permissions, hint, hash, created_by, created_at)
SELECT gen_random_uuid(), tenant, code, 'onboarding', '{}', '', key_hash, 'onboarding', created_at FROM merchants.merchant;
ALTER TABLE merchants.merchant DROP COLUMN key_hash;
