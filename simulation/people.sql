-- What one office exports of one month: a row a membership, a closed form of (seed, slot, month).
-- A slot is a place in the country that is always taken: when its member leaves, another person follows (`spell`).
WITH served AS (
  SELECT *, false AS is_guest FROM cells WHERE office_no = $office
  UNION ALL
  SELECT *, true FROM cells WHERE office_no = $before AND $before <> $office
),
slots AS (SELECT served.*, unnest(range(first_slot, end_slot)) AS slot FROM served),
hashed AS (
  SELECT *, hash(slot, $seed) AS h, $before <> $office AND is_away(hash(slot, $seed), $month) AS is_gone FROM slots
),
-- Whom two offices report: the home office and, as a fault, the next one.
placed AS (
  SELECT *, NOT is_gone AND bits(h, 91 + $month, 1000000) < if(is_guest, $clashes_in, $clashes_out) AS is_elsewhere
  FROM hashed
  WHERE is_guest = is_gone OR is_guest AND bits(h, 91 + $month, 1000000) < $clashes_in
),
spells AS (
  SELECT
    *,
    spell_of(h, $month) AS spell,
    month_of_spell(h, spell_of(h, $month)) AS begun,
    month_of_spell(h, spell_of(h, $month) + 1) AS ended,
    segment_of(h, pu_to, bpu_to, jakon_to) AS first_segment,
    CASE
      WHEN slot % 33 <> 7 THEN 0
      WHEN bits(h, 9, 3) > 0 AND slot + 1 < end_slot THEN 1
      WHEN bits(h, 9, 3) = 0 AND next_first + 8 + (slot - first_slot) // 33 * 33 < next_end THEN 2
      ELSE 0
    END AS second_of
  FROM placed
),
memberships AS (
  SELECT
    *,
    hash(h, spell) AS hm,
    CASE second_of WHEN 1 THEN slot + 1 WHEN 2 THEN next_first + 8 + (slot - first_slot) // 33 * 33 ELSE slot END AS person_slot
  FROM spells
),
of_persons AS (
  SELECT
    *,
    CASE second_of WHEN 0 THEN spell ELSE spell_of(hash(person_slot, $seed), begun) END AS person_spell,
    has_switched(hm, $month) AND first_segment IN ('PU', 'BPU') AS is_switched
  FROM memberships
),
persons AS (
  SELECT
    *,
    hash(person_slot, person_spell, $seed) AS hp,
    CASE WHEN NOT is_switched THEN first_segment WHEN first_segment = 'PU' THEN 'BPU' ELSE 'PU' END AS segment,
    least(
      greatest(last_paid_of(hm, first_segment, begun, $month), begun),
      greatest(ended - 1 - bits(hm, 3, 5), begun)
    ) AS paid
  FROM of_persons
),
employers AS (
  SELECT
    *,
    bits(hp, 1, 2) = 1 AS is_woman,
    DATE '1962-01-01' + (bits(hp, 5, 1000) * 16 + person_spell % 16)::INTEGER AS birth_date,
    CASE
      WHEN bits(hp, 17, 100) < 8 THEN if(second_of = 2, next_far_region, far_region)
      ELSE if(second_of = 2, next_region, region_code)
    END AS lives_in,
    CASE WHEN segment IN ('PU', 'JAKON') THEN employer_of(hm, end_slot - first_slot) END AS employer
  FROM persons
),
works AS (
  SELECT
    *,
    hash(employer, cell_no, $seed) AS he,
    CASE
      WHEN segment = 'JAKON' THEN 'F'
      WHEN segment = 'PU' THEN substr(sectors, 1 + bits(hash(employer, cell_no, $seed), 11, 64)::INTEGER, 1)
      ELSE substr(sectors, 1 + bits(hm, 11, 64)::INTEGER, 1)
    END AS sector_code
  FROM employers
),
insured AS (
  SELECT
    *,
    CASE WHEN segment = 'PU' THEN scale_of(he) END AS employer_scale,
    CASE
      WHEN segment = 'PU' THEN programmes_of(scale_of(he), he)
      WHEN segment = 'BPU' AND bits(hm, 23, 100) < 35 THEN 'JKK+JKM+JHT'
      ELSE 'JKK+JKM'
    END AS programmes,
    CASE segment
      WHEN 'PU' THEN employed_wage(hm, scale_of(he))
      WHEN 'BPU' THEN if(bits(hm, 29, 100) < 80, 1000000, 1000000 + 500000 * bits(hm, 31, 7))
    END::BIGINT AS wage_idr,
    CASE WHEN segment = 'BPU' THEN funding_of(hm) WHEN segment = 'PMI' THEN 'self' ELSE 'employer' END AS funding,
    CASE WHEN segment = 'BPU' THEN channel_of(hm) WHEN segment = 'PMI' THEN 'collective' ELSE 'employer' END AS channel
  FROM works
)
SELECT
  hm,
  is_elsewhere,
  $office_code AS office_code,
  $period AS period,
  kpj_of(slot, spell, $seed) AS kpj,
  nik_of(person_slot, $seed, birth_date, is_woman) AS nik,
  name_of(hp, is_woman) AS name,
  birth_date,
  if(is_woman, 'P', 'L') AS sex,
  segment,
  programmes,
  (10000000 + (cell_no * 100000 + employer) % 90000000)::VARCHAR AS employer_npp,
  employer_scale,
  sector_code,
  'bps' AS region_system,
  lives_in AS region_code,
  CASE WHEN lives_in = region_code AND bits(hp, 37, 3) = 0 THEN villages[1 + bits(hp, 41, greatest(len(villages), 1))::INTEGER] END AS village_code,
  wage_idr,
  contribution_of(segment, programmes, wage_idr, he, sector_code) AS contribution_idr,
  rates.period AS last_paid_period,
  make_date(begun // 12, begun % 12 + 1, 1 + bits(hm, 47, 28)::INTEGER) AS registered_date,
  funding,
  channel,
  CASE WHEN channel = 'perisai' THEN 'P' || $office_code || (10 + bits(hm, 53, 40))::VARCHAR END AS agent_code
FROM insured
JOIN rates ON rates.month = insured.paid
