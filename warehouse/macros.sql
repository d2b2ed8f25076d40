-- Arithmetic that several marts share. A qualifier is one of eq approx ge gt le lt, and mixed in marts.

-- Direction of a bound: 1 for a lower bound (ge, gt), -1 for an upper one (le, lt), 0 for none.
CREATE OR REPLACE MACRO bound_side(q) AS
  CASE WHEN q IN ('ge', 'gt') THEN 1 WHEN q IN ('le', 'lt') THEN -1 ELSE 0 END;

CREATE OR REPLACE MACRO bound_name(side, strict) AS
  CASE WHEN side > 0 AND strict THEN 'gt' WHEN side > 0 THEN 'ge' WHEN strict THEN 'lt' ELSE 'le' END;

-- Qualifier of a/b: an upper bound on a or a lower bound on b makes it an upper bound, and the reverse.
CREATE OR REPLACE MACRO ratio_qualifier(a, b) AS
  CASE
    WHEN a IS NULL OR b IS NULL THEN NULL
    WHEN 'mixed' IN (a, b) OR bound_side(a) * bound_side(b) > 0 THEN 'mixed'
    WHEN bound_side(a) <> 0 OR bound_side(b) <> 0
      THEN bound_name(bound_side(a) - bound_side(b), a IN ('lt', 'gt') OR b IN ('lt', 'gt'))
    WHEN 'approx' IN (a, b) THEN 'approx'
    ELSE 'eq'
  END;

-- Qualifier of b - a: the opposite direction of the ratio a/b.
CREATE OR REPLACE MACRO opposite_qualifier(q) AS
  CASE q WHEN 'lt' THEN 'gt' WHEN 'le' THEN 'ge' WHEN 'gt' THEN 'lt' WHEN 'ge' THEN 'le' ELSE q END;

CREATE OR REPLACE MACRO difference_qualifier(a, b) AS opposite_qualifier(ratio_qualifier(a, b));

-- Qualifier of a sum of the listed qualifiers: one direction is kept, two make it mixed.
CREATE OR REPLACE MACRO sum_qualifier(qualifiers) AS
  CASE
    WHEN coalesce(len(qualifiers), 0) = 0 THEN NULL
    WHEN list_contains(qualifiers, 'mixed') THEN 'mixed'
    WHEN list_has_any(qualifiers, ['ge', 'gt']) AND list_has_any(qualifiers, ['le', 'lt']) THEN 'mixed'
    WHEN list_has_any(qualifiers, ['ge', 'gt'])
      THEN CASE WHEN list_contains(qualifiers, 'gt') THEN 'gt' ELSE 'ge' END
    WHEN list_has_any(qualifiers, ['le', 'lt'])
      THEN CASE WHEN list_contains(qualifiers, 'lt') THEN 'lt' ELSE 'le' END
    WHEN list_contains(qualifiers, 'approx') THEN 'approx'
    ELSE 'eq'
  END;

-- A percentage 0 to 100, unrounded; null where the qualifier is mixed or the whole is not above zero.
CREATE OR REPLACE MACRO percent_of(a, b, q) AS
  CASE WHEN q = 'mixed' OR b IS NULL OR b <= 0 THEN NULL ELSE 100.0::DOUBLE * a::DOUBLE / b::DOUBLE END;

-- The worst of two value statuses.
CREATE OR REPLACE MACRO status_rank(s) AS
  list_position(['missing', 'disputed', 'incomparable', 'partial', 'carried', 'provisional', 'final'], s);

CREATE OR REPLACE MACRO worst_status(a, b) AS
  CASE WHEN b IS NULL OR status_rank(a) <= status_rank(b) THEN a ELSE b END;

-- Last day of a month given as YYYY-MM.
CREATE OR REPLACE MACRO month_end(period) AS last_day(CAST(period || '-01' AS DATE));

-- Whole and part months from 1 January to a day: 7 on 31 July (month - 1 + day / days in month).
CREATE OR REPLACE MACRO months_elapsed(d) AS
  month(d) - 1 + day(d)::DOUBLE / day(last_day(d))::DOUBLE;

-- A month is frozen from day 10 of the next month.
CREATE OR REPLACE MACRO is_frozen(d, today) AS today >= last_day(d) + 10;

-- coverage

-- Both ends of a validity are included; a missing end is open.
CREATE OR REPLACE MACRO is_valid_on(d, valid_from, valid_to) AS
  (valid_from IS NULL OR valid_from <= d) AND (valid_to IS NULL OR valid_to >= d);

-- Months from one day's month to another's: 2 from 31 August to 31 October.
CREATE OR REPLACE MACRO months_between(earlier, later) AS
  (year(later) - year(earlier)) * 12 + month(later) - month(earlier);

-- Level of a region by the length of its BPS code; districts make no coverage rows.
CREATE OR REPLACE MACRO region_level(code) AS
  CASE
    WHEN code = '0000' THEN 'national'
    WHEN length(code) = 2 THEN 'province'
    WHEN length(code) = 4 THEN 'regency'
    WHEN length(code) = 10 THEN 'village'
  END;

-- Who is believed first where several sources give one figure.
CREATE OR REPLACE MACRO source_rank(kind) AS list_position(['bps', 'agency', 'office', 'press'], kind);

-- Half the last printed digit of a rounded figure: 500 for 227,000, 0.5 for 28,879.
CREATE OR REPLACE MACRO trailing_zeros(v) AS
  CASE WHEN v = 0 THEN 0 ELSE length(CAST(CAST(v AS BIGINT) AS VARCHAR))
    - length(rtrim(CAST(CAST(v AS BIGINT) AS VARCHAR), '0')) END;

CREATE OR REPLACE MACRO rounding(v) AS CAST(0.5 * pow(10, trailing_zeros(v)) AS DECIMAL(20, 4));

-- Half the last printed digit of a percentage: 0.005 for 65.24, 0.5 for 79.
CREATE OR REPLACE MACRO percent_rounding(p) AS
  0.5 / pow(10, length(rtrim(split_part(CAST(CAST(p AS DECIMAL(20, 4)) AS VARCHAR), '.', 2), '0')));

-- Smallest and largest count that a figure allows; null where it sets no such bound.
CREATE OR REPLACE MACRO figure_low(v, q) AS
  CASE
    WHEN q IN ('le', 'lt', 'mixed') THEN NULL
    WHEN q = 'gt' THEN v + 1
    WHEN q = 'approx' THEN v - rounding(v)
    ELSE v
  END;

CREATE OR REPLACE MACRO figure_high(v, q) AS
  CASE
    WHEN q IN ('ge', 'gt', 'mixed') THEN NULL
    WHEN q = 'lt' THEN v - 1
    WHEN q = 'approx' THEN v + rounding(v)
    ELSE v
  END;

-- Two figures of one thing agree where some count fits both.
CREATE OR REPLACE MACRO figures_agree(v1, q1, v2, q2) AS
  coalesce(figure_low(v1, q1) <= figure_high(v2, q2), true)
  AND coalesce(figure_low(v2, q2) <= figure_high(v1, q1), true);

-- What is counted by booking or work does not compare with residents below the nation; an office's bookings are
-- what its headline counts, so they stand against the regencies that it serves.
CREATE OR REPLACE MACRO place_status(level, place) AS
  CASE
    WHEN place = 'work' AND level <> 'national' THEN 'incomparable'
    WHEN place = 'booking' AND level IN ('province', 'regency', 'village') THEN 'incomparable'
  END;

-- attainment
-- A flow restarts on 1 January; a stock stands at a day. A basis that is neither is compared, never projected.
CREATE OR REPLACE MACRO is_flow(basis) AS basis = 'new_ytd';

CREATE OR REPLACE MACRO is_stock(basis) AS
  basis IN ('active_stock', 'registered_stock', 'protected_stock', 'cumulative');

-- The basis on which figures meet: what was counted cumulatively is what is registered.
CREATE OR REPLACE MACRO meeting_basis(basis) AS CASE basis WHEN 'cumulative' THEN 'registered_stock' ELSE basis END;

-- Only these measures enter ratios.
CREATE OR REPLACE MACRO enters_ratios(measure) AS measure IN ('persons', 'memberships');

-- What an office's export answers.
CREATE OR REPLACE MACRO is_counted(basis, measure) AS
  enters_ratios(measure) AND basis IN ('active_stock', 'registered_stock', 'protected_stock', 'new_ytd');

-- A value that may be divided: disputed and partial ones are shown only.
CREATE OR REPLACE MACRO is_usable(value_status) AS value_status NOT IN ('missing', 'disputed', 'partial');

-- What should have been reached by now. month_before, month_value: a custom target's values at the ends of the
-- month before (0 or the opening in January) and of this month; part is the share of this month that has passed.
CREATE OR REPLACE MACRO target_by_now(phasing, basis, target, opening, elapsed, month_before, month_value, part) AS
  CASE
    WHEN phasing = 'flat' THEN target::DOUBLE
    WHEN phasing = 'linear' AND is_flow(basis) THEN target::DOUBLE * elapsed / 12
    WHEN phasing = 'linear' AND is_stock(basis)
      THEN opening::DOUBLE + (target::DOUBLE - opening::DOUBLE) * elapsed / 12
    WHEN phasing = 'custom' AND part = 1 THEN month_value::DOUBLE
    WHEN phasing = 'custom' THEN month_before::DOUBLE + (month_value::DOUBLE - month_before::DOUBLE) * part
  END;

-- A linear stock target leans on its opening, so the opening's bound is the target's too.
CREATE OR REPLACE MACRO target_by_now_qualifier(phasing, basis, target_qualifier, opening_qualifier) AS
  CASE
    WHEN phasing = 'linear' AND is_stock(basis) THEN sum_qualifier([target_qualifier, opening_qualifier])
    ELSE target_qualifier
  END;

CREATE OR REPLACE MACRO achieved_a_month(basis, actual, opening, elapsed) AS
  CASE
    WHEN elapsed <= 0 THEN NULL
    WHEN is_flow(basis) THEN actual::DOUBLE / elapsed
    WHEN is_stock(basis) THEN (actual - opening)::DOUBLE / elapsed
  END;

CREATE OR REPLACE MACRO achieved_qualifier(basis, actual_qualifier, opening_qualifier) AS
  CASE WHEN is_stock(basis) THEN difference_qualifier(opening_qualifier, actual_qualifier) ELSE actual_qualifier END;

CREATE OR REPLACE MACRO projection(basis, actual, achieved, months_left) AS
  CASE WHEN is_flow(basis) THEN achieved * 12 WHEN is_stock(basis) THEN actual::DOUBLE + achieved * months_left END;

-- A gap that is an upper bound is surely closed at 0; one that is a lower bound is surely open above 0.
CREATE OR REPLACE MACRO is_surely_closed(gap, qualifier) AS
  coalesce(gap <= 0 AND qualifier IN ('eq', 'approx', 'le', 'lt'), false);

CREATE OR REPLACE MACRO is_surely_open(gap, qualifier) AS
  coalesce((gap > 0 AND qualifier IN ('eq', 'approx', 'ge', 'gt')) OR (gap = 0 AND qualifier = 'gt'), false);

-- Null where the gap may be on either side of zero.
CREATE OR REPLACE MACRO required_a_month(gap, qualifier, months_left) AS
  CASE
    WHEN is_surely_closed(gap, qualifier) THEN 0::DOUBLE
    WHEN gap <= 0 OR months_left <= 0 THEN NULL
    ELSE gap::DOUBLE / months_left
  END;

CREATE OR REPLACE MACRO pace(required, achieved, gap_qualifier, achieved_qualifier) AS
  CASE WHEN achieved > 0 AND ratio_qualifier(gap_qualifier, achieved_qualifier) <> 'mixed' THEN required / achieved END;

-- on_track from 100, warning from 80, risk below; unknown where the range that a bound leaves spans two bands.
CREATE OR REPLACE MACRO attainment_band(pct, qualifier) AS
  CASE
    WHEN pct IS NULL OR qualifier IS NULL OR qualifier = 'mixed' THEN 'unknown'
    WHEN bound_side(qualifier) > 0 THEN CASE WHEN pct >= 100 THEN 'on_track' ELSE 'unknown' END
    WHEN bound_side(qualifier) < 0
      THEN CASE WHEN pct < 80 OR (pct = 80 AND qualifier = 'lt') THEN 'risk' ELSE 'unknown' END
    WHEN pct >= 100 THEN 'on_track'
    WHEN pct >= 80 THEN 'warning'
    ELSE 'risk'
  END;

-- The first that holds. An actual that is null without being missing is a sum whose bounds pull apart. A partial sum
-- is at least what has come in: it can prove an achieved flow and nothing else.
CREATE OR REPLACE MACRO attainment_status(
  basis, target, actual, value_status, gap, gap_qualifier, months_left, pct_to_date, qualifier_to_date
) AS
  CASE
    WHEN target IS NULL OR target = 0 THEN 'no_target'
    WHEN actual IS NULL AND value_status = 'missing' THEN 'no_actual'
    WHEN value_status IN ('missing', 'disputed') THEN 'unknown'
    WHEN is_surely_closed(gap, gap_qualifier) AND (NOT is_stock(basis) OR months_left <= 0) THEN 'achieved'
    WHEN value_status = 'partial' THEN 'unknown'
    WHEN months_left <= 0 AND is_surely_open(gap, gap_qualifier) THEN 'missed'
    WHEN months_left <= 0 THEN 'unknown'
    ELSE attainment_band(pct_to_date, qualifier_to_date)
  END;

-- A figure inside a sentence of both languages, so without separators of thousands.
CREATE OR REPLACE MACRO printed(value) AS regexp_replace(CAST(CAST(value AS DECIMAL(20, 4)) AS VARCHAR), '\.?0+$', '');
