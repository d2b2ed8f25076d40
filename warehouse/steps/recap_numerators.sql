-- Figures that others report, one per place, segment and basis, as rows of coverage can use them. Only
-- stock bases and unspecified, only persons and memberships (persons first). Between several: agency,
-- office, press; the latest published_on; the source in alphabetical order. The next of the same measure
-- is the runner-up; is_contradicted says whether any other of the same measure differs beyond its
-- rounding; a source whose percentage contradicts its own counts is disputed too. A recap of the head office speaks for the nation; one of a district makes no row.
WITH figures AS (
  SELECT
    recap.as_of,
    CASE
      WHEN recap.village_code IS NOT NULL OR recap.region_code IS NOT NULL THEN region_level(recap.place_code)
      WHEN office.office_type = 'kantor_pusat' THEN 'national'
      WHEN office.office_type = 'kanwil' THEN 'kanwil'
      ELSE 'office'
    END AS geo_level,
    CASE WHEN office.office_type = 'kantor_pusat' THEN '0000' ELSE recap.place_code END AS geo_code,
    recap.segment,
    recap.basis,
    recap.measure,
    recap.value,
    recap.qualifier,
    recap.place,
    recap.as_of_precision,
    recap.published_on,
    recap.source_kind,
    recap.source,
    recap.value_status,
    recap.source_key
  FROM core.recaps AS recap
  LEFT JOIN steps.office_versions AS office
    ON recap.village_code IS NULL
    AND recap.region_code IS NULL
    AND office.as_of = recap.as_of
    AND office.office_code = recap.office_code
  WHERE recap.as_of <= getvariable('as_of')
    AND recap.basis IN ('active_stock', 'registered_stock', 'protected_stock', 'unspecified')
    AND recap.measure IN ('persons', 'memberships')
),
ranked AS (
  SELECT
    *,
    row_number() OVER (
      PARTITION BY as_of, geo_level, geo_code, segment, basis, measure
      ORDER BY
        source_rank(source_kind),
        published_on DESC NULLS LAST,
        source,
        source_key,
        value,
        qualifier
    ) AS place_in_line
  FROM figures
  WHERE geo_level IS NOT NULL
),
chosen AS (
  SELECT *
  FROM ranked
  WHERE place_in_line = 1
  QUALIFY row_number() OVER (
    PARTITION BY as_of, geo_level, geo_code, segment, basis ORDER BY measure = 'persons' DESC
  ) = 1
),
others AS (
  SELECT
    chosen.as_of,
    chosen.geo_level,
    chosen.geo_code,
    chosen.segment,
    chosen.basis,
    max(other.value) FILTER (other.measure = 'memberships' AND other.place_in_line = 1) AS memberships,
    max(other.value) FILTER (other.measure = chosen.measure AND other.place_in_line = 2) AS other_numerator,
    max(other.source) FILTER (other.measure = chosen.measure AND other.place_in_line = 2) AS other_source,
    bool_or(
      other.measure = chosen.measure
      AND NOT figures_agree(chosen.value, chosen.qualifier, other.value, other.qualifier)
    ) AS is_contradicted
  FROM chosen
  JOIN ranked AS other USING (as_of, geo_level, geo_code, segment, basis)
  GROUP BY ALL
)
SELECT
  chosen.as_of,
  chosen.geo_level,
  chosen.geo_code,
  chosen.segment,
  chosen.basis,
  chosen.measure,
  chosen.value AS numerator,
  chosen.qualifier AS numerator_qualifier,
  CASE
    WHEN lower(chosen.place) IN ('domicile', 'booking', 'work', 'unknown') THEN lower(chosen.place)
    WHEN chosen.geo_level IN ('office', 'kanwil') THEN 'booking'
    ELSE 'unknown'
  END AS numerator_place,
  others.memberships,
  others.other_numerator,
  others.other_source,
  chosen.as_of_precision,
  chosen.published_on AS said_on,
  CASE
    WHEN others.is_contradicted OR printed.source IS NOT NULL THEN worst_status(chosen.value_status, 'disputed')
    ELSE chosen.value_status
  END AS value_status,
  chosen.source,
  chosen.source_key
FROM chosen
JOIN others USING (as_of, geo_level, geo_code, segment, basis)
LEFT JOIN steps.printed_percentages AS printed
  ON printed.as_of = chosen.as_of
  AND printed.place_code = chosen.geo_code
  AND printed.segment = chosen.segment
  AND printed.basis = chosen.basis
  AND printed.source_kind = chosen.source_kind
  AND printed.source = chosen.source
