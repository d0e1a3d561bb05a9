-- What is long is stored as it is: compressing events of a hundred transfers and the answers of bulk calls took a tenth of the
-- server's time of posting them (perf, pglz_compress).
ALTER TABLE banyan.event ALTER COLUMN data SET STORAGE EXTERNAL;
ALTER TABLE banyan.command ALTER COLUMN result SET STORAGE EXTERNAL;
