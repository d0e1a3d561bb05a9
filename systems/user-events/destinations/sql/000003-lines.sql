-- Why the event that is next was tried in vain the last time.
ALTER TABLE destinations.destination ADD COLUMN last_error text;

-- Lines on their way into files: stored with the note that they are delivered, and gone when they are on the disk. Their place in their file is
-- settled here, so that whoever writes them, twice or too late, writes the same bytes to the same place.
CREATE TABLE destinations.file_lines (
  tenant text NOT NULL,
  destination text NOT NULL,
  day date NOT NULL,
  start bigint NOT NULL,
  lines text NOT NULL,
  PRIMARY KEY (tenant, destination, day, start)
);
