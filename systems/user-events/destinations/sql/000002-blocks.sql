-- What was delivered, a row for each 1,024 numbers of a partition: for each event it had one, and grew as fast as they do. It goes when the
-- events have: they were received before `at`, when the last of them was delivered.
CREATE TABLE destinations.delivered_block (
  tenant text NOT NULL,
  destination text NOT NULL,
  partition smallint NOT NULL,
  block bigint NOT NULL,
  numbers int8multirange NOT NULL,
  at timestamptz NOT NULL,
  PRIMARY KEY (tenant, destination, partition, block)
);
INSERT INTO destinations.delivered_block
SELECT tenant, destination, partition, number / 1024, range_agg(int8range(number, number + 1)), now()
FROM destinations.delivered GROUP BY tenant, destination, partition, number / 1024;
DROP TABLE destinations.delivered;
