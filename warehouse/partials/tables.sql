-- What steps read of participants. month is the month that a row counts in; identifiers are keyed hashes.
CREATE SCHEMA IF NOT EXISTS partials;

-- See cells.sql: memberships of every data file, of all months.
CREATE OR REPLACE TABLE partials.cells (
  month VARCHAR, file VARCHAR, office_code VARCHAR, period VARCHAR, source_key VARCHAR, segment VARCHAR,
  place_code VARCHAR, is_active BOOLEAN, is_protected BOOLEAN, status_rule VARCHAR, memberships BIGINT
);

-- See shared.sql: what persons with several memberships change, up to the business date.
CREATE OR REPLACE TABLE partials.shared (
  month VARCHAR, kind VARCHAR, code VARCHAR, segment VARCHAR, status_rule VARCHAR, registered BIGINT, active BIGINT,
  protected BIGINT, reported_registered BIGINT, reported_active BIGINT, reported_protected BIGINT
);

-- Memberships of carried months that do not count, because another office reports them or carries a newer month.
CREATE OR REPLACE TABLE partials.dropped (
  month VARCHAR, office_code VARCHAR, membership_id BLOB, segment VARCHAR, place_code VARCHAR, is_active BOOLEAN,
  is_protected BOOLEAN, status_rule VARCHAR
);

-- Memberships that an office's export holds for the first time with a date of registration in the same year.
CREATE OR REPLACE TABLE partials.arrivals (
  office_code VARCHAR, period VARCHAR, segment VARCHAR, memberships BIGINT
);

-- How memberships of offices whose month before is known stood then and stand now; both sides are known. Who is on one
-- side only is what is left of the cells.
CREATE OR REPLACE TABLE partials.moves (
  month VARCHAR, office_before VARCHAR, segment_before VARCHAR, active_before BOOLEAN, office_code VARCHAR,
  segment VARCHAR, is_active BOOLEAN, memberships BIGINT
);

-- Memberships of a month's cohort: exported in the month in which they were registered.
CREATE OR REPLACE TABLE partials.started (
  month VARCHAR, channel VARCHAR, funding VARCHAR, is_active BOOLEAN, memberships BIGINT
);

-- Memberships of earlier cohorts in a month's exports.
CREATE OR REPLACE TABLE partials.retained (
  month VARCHAR, acquired_in VARCHAR, channel VARCHAR, funding VARCHAR, is_active BOOLEAN, memberships BIGINT
);
