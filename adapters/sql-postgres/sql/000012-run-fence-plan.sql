-- Its plan, too, is settled by the primary key: a queue's statistics are always wrong.
ALTER FUNCTION banyan.hold_runs(text[], bigint[]) SET plan_cache_mode = force_generic_plan
  SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off;

-- For processes of the release before, which know nothing of it and start runs while this one is rolled out.
ALTER TABLE banyan.workflow ALTER COLUMN heard_from SET DEFAULT clock_timestamp();
