-- What the rules look up of a membership, once its cells are certain; beside `participants.sql`, which reads any cell.
-- `place` is the office and month that the file is expected to be of.
open_offices AS (
  SELECT
    place.office_code,
    last_day_of(place.period) AS period_end,
    last_payable_after(place.period) AS last_payable_period,
    bool_or(office.office_code IS NOT NULL) AS office_is_known,
    bool_or(
      coalesce(office.valid_from <= last_day_of(place.period), office.office_code IS NOT NULL)
      AND coalesce(office.valid_to >= last_day_of(place.period), true)
    ) AS office_is_open
  FROM place
  LEFT JOIN reference.offices AS office ON office.office_code = place.office_code
  GROUP BY ALL
)
SELECT
  typed.* REPLACE (
    domicile.region_code AS region_code,
    coalesce(village.region_code, CASE WHEN typed.village_is_whole THEN typed.village_code END) AS village_code
  ),
  open_offices.period_end,
  open_offices.last_payable_period,
  open_offices.office_is_known,
  open_offices.office_is_open,
  kinds.segment IS NOT NULL
  AND domicile.region_code IS NOT NULL
  AND (typed.village_code IS NULL OR village.region_code IS NOT NULL OR typed.village_is_whole) AS _is_known_kind,
  minimum.min_monthly_idr,
  false AS nik_is_number,
  false AS membership_is_elsewhere,
  keyed_hash('kpj', typed.kpj) AS membership_id,
  keyed_hash('nik', typed.nik) AS person_id,
  births.born AS nik_born,
  coalesce(year(typed.birth_date), year(births.born)) AS birth_year
FROM (
  SELECT
    *,
    coalesce(
      regexp_full_match(village_code, '[0-9]{10}') AND region_system = 'bps'
      AND left(village_code, 4) IN (SELECT region_code FROM reference.regions WHERE level = 'regency'),
      false
    ) AS village_is_whole,
    CASE
      WHEN sector_code IN (SELECT sector_code FROM reference.monthly_minima) THEN sector_code ELSE ''
    END AS sector_of_minimum
  FROM typed
) AS typed
CROSS JOIN open_offices
LEFT JOIN kinds
  ON kinds.segment = typed.segment
  AND kinds.employer_scale IS NOT DISTINCT FROM typed.employer_scale
  AND kinds.programmes = typed.programmes
LEFT JOIN reference.monthly_minima AS minimum
  ON minimum.segment = typed.segment
  AND minimum.programmes = kinds.programme_set
  AND minimum.sector_code = typed.sector_of_minimum
  AND minimum.period = typed.last_paid_period
LEFT JOIN births ON births.digits = substr(typed.nik, 7, 6)
LEFT JOIN codes AS domicile
  ON domicile.region_system = typed.region_system AND domicile.code = typed.region_code
LEFT JOIN codes AS village
  ON village.region_system = typed.region_system AND village.code = typed.village_code
