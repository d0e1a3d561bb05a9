-- Before PostgreSQL 17 nothing is subtracted from infinity, which is what limits did until a type had been counted once.
ALTER TABLE banyan.job_type ALTER COLUMN counted_at SET DEFAULT 'epoch';
UPDATE banyan.job_type SET counted_at = 'epoch' WHERE counted_at = '-infinity';
