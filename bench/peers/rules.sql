-- The rules of the job over rows of text, for the peers that compute with SQL: every row with the rules that it breaks.
SELECT prepared.*, list_filter([
    CASE WHEN office_code IS NULL OR NOT office_is_known THEN 'office_unknown' END,
    CASE WHEN period IS DISTINCT FROM getvariable('period') THEN 'period_other' END,
    CASE WHEN kpj IS NULL OR NOT regexp_full_match(kpj, '[0-9A-Z]{11}') THEN 'kpj_shape' END,
    CASE WHEN count(*) OVER (PARTITION BY kpj) > 1 THEN 'kpj_twice' END,
    CASE WHEN nik IS NULL OR NOT regexp_full_match(nik, '[0-9]{16}') THEN 'nik_shape' END,
    CASE WHEN regexp_full_match(nik, '[0-9]{16}') AND nik_born IS NULL THEN 'nik_birth_date' END,
    CASE WHEN right(nik, 4) = '0000' THEN 'nik_serial' END,
    CASE WHEN segment IS NULL OR segment NOT IN ('PU', 'BPU', 'JAKON', 'PMI') THEN 'segment_unknown' END,
    CASE WHEN NOT programmes_are_allowed THEN 'programmes_not_allowed' END,
    CASE WHEN region_code IS NULL OR NOT region_is_known THEN 'region_unknown' END,
    CASE WHEN sex NOT IN ('L', 'P') THEN 'sex_unknown' END,
    CASE WHEN employer_scale NOT IN ('micro', 'small', 'medium', 'large') THEN 'employer_scale_unknown' END,
    CASE WHEN funding NOT IN ('self', 'employer', 'apbd', 'apbn', 'village', 'pokir', 'csr', 'other')
      THEN 'funding_unknown' END,
    CASE WHEN channel NOT IN ('perisai', 'branch', 'app', 'employer', 'collective', 'other') THEN 'channel_unknown' END,
    CASE WHEN last_paid_period IS NULL OR NOT regexp_full_match(last_paid_period, '[0-9]{4}-(0[1-9]|1[0-2])')
      THEN 'last_paid_shape' END,
    CASE WHEN last_paid_period NOT BETWEEN '1977-12' AND getvariable('last_payable') THEN 'last_paid_implausible' END,
    CASE WHEN birth_date IS NOT NULL AND born IS NULL THEN 'birth_date_shape' END,
    CASE WHEN born NOT BETWEEN DATE '1900-01-01' AND getvariable('period_end') THEN 'birth_date_implausible' END,
    CASE WHEN registered_date IS NOT NULL AND registered IS NULL THEN 'registered_date_shape' END,
    CASE WHEN registered > getvariable('period_end') THEN 'registered_after_period' END,
    CASE WHEN NOT regexp_full_match(wage_idr, '[0-9]+(\.[0-9]{1,2})?') THEN 'wage_shape' END,
    CASE WHEN try_cast(wage_idr AS DOUBLE) > 10000000000 THEN 'wage_implausible' END,
    CASE WHEN NOT regexp_full_match(contribution_idr, '[0-9]+(\.[0-9]{1,2})?') THEN 'contribution_shape' END,
    CASE WHEN paid > 0 AND paid < least THEN 'contribution_below_rate' END
  ], lambda reason: reason IS NOT NULL) AS reasons
FROM (
  SELECT arranged.*, coalesce(of_trade.least, of_others.least) AS least,
    office_code IN (SELECT office_code FROM offices) AS office_is_known,
    region_code IN (SELECT region_code FROM regions) AS region_is_known,
    (coalesce(arranged.segment, ''), coalesce(employer_scale, ''), coalesce(programme_set, '')) IN (
      SELECT (segment, coalesce(employer_scale, ''), programmes) FROM programme_sets
    ) AS programmes_are_allowed,
    try_cast(birth_date AS DATE) AS born,
    try_cast(registered_date AS DATE) AS registered,
    try_cast(contribution_idr AS DOUBLE) AS paid,
    coalesce(
      CASE WHEN substr(nik, 11, 2) <= getvariable('this_year')
        THEN try_cast(printf('20%s-%s-%02d', substr(nik, 11, 2), substr(nik, 9, 2), day_in_nik) AS DATE) END,
      try_cast(printf('19%s-%s-%02d', substr(nik, 11, 2), substr(nik, 9, 2), day_in_nik) AS DATE)
    ) AS nik_born
  FROM (
    SELECT *,
      array_to_string(list_sort(string_split(programmes, '+')), '+') AS programme_set,
      try_cast(substr(nik, 7, 2) AS INTEGER) - CASE WHEN substr(nik, 7, 2) > '40' THEN 40 ELSE 0 END AS day_in_nik
    FROM raw
  ) AS arranged
  LEFT JOIN minima AS of_trade
    ON of_trade.segment = arranged.segment AND of_trade.programmes = arranged.programme_set
    AND of_trade.sector_code = arranged.sector_code
    AND arranged.last_paid_period BETWEEN of_trade.first AND of_trade.last
  LEFT JOIN minima AS of_others
    ON of_others.segment = arranged.segment AND of_others.programmes = arranged.programme_set
    AND of_others.sector_code IS NULL AND arranged.last_paid_period BETWEEN of_others.first AND of_others.last
) AS prepared
