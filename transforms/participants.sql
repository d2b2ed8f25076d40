-- One membership at one month's end. NIK and KPJ leave as keyed hashes; names and birth dates do not leave.
SELECT
  typed.*,
  last_day_of(typed.period) AS period_end,
  last_payable_after(typed.period) AS last_payable_period,
  is_number_cell(typed.nik_cell) AS nik_is_number,
  keyed_hash('kpj', typed.kpj) AS membership_id,
  keyed_hash('nik', typed.nik) AS person_id,
  coalesce(year(typed.birth_date), year(typed.nik_born)) AS birth_year,
  coalesce(rules.not_allowed, []) AS programmes_not_allowed,
  coalesce(rules.required, []) AS programmes_required,
  minimum.min_monthly_idr,
  typed.office_code IN (SELECT office_code FROM reference.offices) AS office_is_known,
  EXISTS (
    SELECT 1 FROM clashing
    WHERE clashing.period = typed.period AND clashing.membership_id = keyed_hash('kpj', typed.kpj)
  ) AS membership_is_elsewhere,
  EXISTS (
    SELECT 1 FROM reference.offices AS office
    WHERE office.office_code = typed.office_code
      AND (office.valid_from IS NULL OR office.valid_from <= last_day_of(typed.period))
      AND (office.valid_to IS NULL OR office.valid_to >= last_day_of(typed.period))
  ) AS office_is_open
FROM (
  SELECT
    *,
    nik_birth_date(nik) AS nik_born,
    programme_set(programmes) AS programme_set,
    CASE
      WHEN sector_code IN (SELECT sector_code FROM reference.monthly_minima) THEN sector_code ELSE ''
    END AS sector_of_minimum
  FROM typed
) AS typed
LEFT JOIN (
  SELECT
    rule_row.segment, scale.employer_scale,
    list(rule_row.programme) FILTER (WHERE rule_row.rule = 'not_allowed') AS not_allowed,
    list(rule_row.programme) FILTER (WHERE rule_row.rule = 'required') AS required
  FROM reference.programme_rules AS rule_row
  JOIN (VALUES (NULL), ('micro'), ('small'), ('medium'), ('large')) AS scale(employer_scale)
    ON rule_row.employer_scale IS NULL OR rule_row.employer_scale = scale.employer_scale
  GROUP BY ALL
) AS rules ON rules.segment = typed.segment AND rules.employer_scale IS NOT DISTINCT FROM typed.employer_scale
LEFT JOIN reference.monthly_minima AS minimum
  ON minimum.segment = typed.segment
  AND minimum.programmes = typed.programme_set
  AND minimum.sector_code = typed.sector_of_minimum
  AND minimum.period = typed.last_paid_period
