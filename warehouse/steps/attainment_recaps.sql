-- One stated figure per as_of, place, segment, basis and measure: agency, then office, then press; then the latest
-- published; then the source in alphabetical order. Villages and districts have no targets and are left out.
--
-- geo_level, geo_code  national kanwil province regency office, with its code
-- basis                cumulative counts as registered_stock
-- value_status         disputed where another source's figure allows no common count
-- note                 what the next source says where it differs, in Indonesian and English
--
-- new_month makes a new_ytd of its own, summed from January, where no month's end before as_of is absent and nobody
-- states new_ytd itself.
WITH placed AS (
  SELECT
    recap.as_of,
    CASE WHEN recap.region_code IS NULL THEN coalesce(place.geo_level, 'office')
      ELSE region_level(recap.region_code) END AS geo_level,
    CASE WHEN recap.region_code IS NULL THEN coalesce(place.geo_code, recap.office_code)
      ELSE recap.region_code END AS geo_code,
    recap.segment,
    meeting_basis(recap.basis) AS basis,
    recap.basis AS stated_basis,
    recap.measure,
    recap.value AS actual,
    recap.qualifier AS actual_qualifier,
    recap.as_of_precision,
    recap.published_on AS said_on,
    recap.source_kind,
    recap.source,
    recap.value_status,
    recap.source_key
  FROM core.recaps AS recap
  LEFT JOIN steps.attainment_places AS place ON place.office_code = recap.office_code
  WHERE recap.as_of <= getvariable('as_of') AND recap.village_code IS NULL AND recap.value_status <> 'missing'
),
ranked AS (
  SELECT
    *,
    row_number() OVER key AS place_in_order,
    lead(actual) OVER key AS other_actual,
    lead(source) OVER key AS other_source,
    first_value(actual) OVER key AS chosen,
    first_value(actual_qualifier) OVER key AS chosen_qualifier
  FROM placed
  WHERE geo_level <> 'village'
  WINDOW key AS (
    PARTITION BY as_of, geo_level, geo_code, segment, basis, measure
    ORDER BY
      source_rank(source_kind), said_on DESC NULLS LAST, source, stated_basis DESC, source_key, actual, actual_qualifier
  )
),
compared AS (
  SELECT
    *,
    bool_or(NOT figures_agree(chosen, chosen_qualifier, actual, actual_qualifier)) OVER (
      PARTITION BY as_of, geo_level, geo_code, segment, basis, measure
    ) AS is_contradicted
  FROM ranked
),
stated AS (
  SELECT
    as_of,
    geo_level,
    geo_code,
    segment,
    basis,
    measure,
    actual,
    actual_qualifier,
    as_of_precision,
    said_on,
    CASE WHEN is_contradicted THEN worst_status(value_status, 'disputed') ELSE value_status END AS value_status,
    source_key,
    CASE WHEN other_actual <> actual THEN format(
      'Sumber lain ({0}) menyebut {1} / another source ({0}) says {1}', other_source, printed(other_actual)
    ) END AS note
  FROM compared
  WHERE place_in_order = 1
),
months AS (SELECT * FROM stated WHERE basis = 'new_month' AND measure <> 'percent'),
summed AS (
  SELECT
    final.as_of,
    final.geo_level,
    final.geo_code,
    final.segment,
    'new_ytd' AS basis,
    final.measure,
    sum(month.actual) AS actual,
    sum_qualifier(list(month.actual_qualifier)) AS actual_qualifier,
    final.as_of_precision,
    max(month.said_on) AS said_on,
    arg_min(month.value_status, (status_rank(month.value_status), month.as_of)) AS value_status,
    CASE WHEN min(month.source_key) = max(month.source_key) THEN min(month.source_key) END AS source_key,
    'Dijumlah dari new_month / summed from new_month' AS note
  FROM months AS final
  JOIN months AS month
    ON month.geo_level = final.geo_level
    AND month.geo_code = final.geo_code
    AND month.segment = final.segment
    AND month.measure = final.measure
    AND year(month.as_of) = year(final.as_of)
    AND (month.as_of = final.as_of OR (month.as_of = last_day(month.as_of) AND month.as_of < final.as_of))
  GROUP BY final.as_of, final.geo_level, final.geo_code, final.segment, final.measure, final.as_of_precision
  HAVING count(*) = month(final.as_of) AND sum_qualifier(list(month.actual_qualifier)) <> 'mixed'
)
SELECT * FROM stated
UNION ALL BY NAME
SELECT * FROM summed
ANTI JOIN stated USING (as_of, geo_level, geo_code, segment, basis, measure)
