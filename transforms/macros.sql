-- Reading text as it stands in files. A cell that begins with chr(1) was stored as a number by its file.

CREATE OR REPLACE MACRO is_number_cell(cell) AS coalesce(starts_with(cell, chr(1)), false);

CREATE OR REPLACE MACRO cell_text(cell) AS
  nullif(trim(replace(replace(cell, chr(1), ''), chr(160), ' ')), '');

-- Plain text of a number: no currency, no thousands separator, a point for decimals; null if it is none.
CREATE OR REPLACE MACRO bare_number(word) AS
  regexp_replace(regexp_replace(word, '^(Rp\.?|IDR)\s*', '', 'i'), '(,-|,--)$', '');

CREATE OR REPLACE MACRO plain_number(word, locale) AS
  CASE
    WHEN locale = 'plain' AND regexp_full_match(word, '[-+]?[0-9]+(\.[0-9]+)?') THEN word
    WHEN locale = 'id' AND regexp_full_match(word, '[-+]?([0-9]+|[0-9]{1,3}(\.[0-9]{3})+)(,[0-9]+)?')
      THEN replace(replace(word, '.', ''), ',', '.')
    WHEN locale = 'en' AND regexp_full_match(word, '[-+]?([0-9]+|[0-9]{1,3}(,[0-9]{3})+)(\.[0-9]+)?')
      THEN replace(word, ',', '')
  END;

CREATE OR REPLACE MACRO magnitude(word) AS
  CASE lower(word)
    WHEN '' THEN 1 WHEN 'rb' THEN 1000 WHEN 'ribu' THEN 1000 WHEN 'jt' THEN 1000000 WHEN 'juta' THEN 1000000
    WHEN 'miliar' THEN 1000000000 WHEN 'milyar' THEN 1000000000 WHEN 'triliun' THEN 1000000000000
  END;

CREATE OR REPLACE MACRO read_number(cell, locale) AS
  CASE
    WHEN is_number_cell(cell) THEN try_cast(cell_text(cell) AS DECIMAL(28, 8))
    WHEN locale = 'id' AND regexp_matches(cell_text(cell), '[a-zA-Z]$') THEN
      try_cast(plain_number(regexp_extract(bare_number(cell_text(cell)), '^(.*?)\s*([a-zA-Z]+)$', 1), 'id') AS DECIMAL(28, 8))
      * magnitude(regexp_extract(cell_text(cell), '([a-zA-Z]+)$', 1))
    ELSE try_cast(plain_number(bare_number(cell_text(cell)), locale) AS DECIMAL(28, 8))
  END;

CREATE OR REPLACE MACRO month_number(word) AS
  CASE
    WHEN regexp_full_match(lower(word), 'jan(uari|uary)?') THEN 1
    WHEN regexp_full_match(lower(word), '(feb|peb)(ruari|ruary)?') THEN 2
    WHEN regexp_full_match(lower(word), 'mar(et|ch)?') THEN 3
    WHEN regexp_full_match(lower(word), 'apr(il)?') THEN 4
    WHEN regexp_full_match(lower(word), 'mei|may') THEN 5
    WHEN regexp_full_match(lower(word), 'jun(i|e)?') THEN 6
    WHEN regexp_full_match(lower(word), 'jul(i|y)?') THEN 7
    WHEN regexp_full_match(lower(word), 'agu(stus)?|agt|ags|agst|aug(ust)?') THEN 8
    WHEN regexp_full_match(lower(word), 'sep(t|tember)?') THEN 9
    WHEN regexp_full_match(lower(word), 'okt(ober)?|oct(ober)?') THEN 10
    WHEN regexp_full_match(lower(word), '(nov|nop)(ember)?') THEN 11
    WHEN regexp_full_match(lower(word), 'des(ember)?|dec(ember)?') THEN 12
  END;

-- Two-digit years as Oracle's RR reads them: 00 to 49 are this century.
CREATE OR REPLACE MACRO full_year(digits) AS
  CASE WHEN length(digits) = 4 THEN try_cast(digits AS INTEGER)
       WHEN try_cast(digits AS INTEGER) < 50 THEN 2000 + try_cast(digits AS INTEGER)
       ELSE 1900 + try_cast(digits AS INTEGER) END;

CREATE OR REPLACE MACRO iso_date(y, m, d) AS try_cast(printf('%04d-%02d-%02d', y, m, d) AS DATE);

CREATE OR REPLACE MACRO excel_day(digits) AS
  CASE WHEN try_cast(digits AS INTEGER) BETWEEN 1 AND 80000 THEN DATE '1899-12-30' + try_cast(digits AS INTEGER) END;

CREATE OR REPLACE MACRO local_date_parts(word) AS
  regexp_extract(word, '^(?:[A-Za-z'']+,?\s+)?\(?([0-9]{1,2})\s*[-/. ]\s*([A-Za-z]+|[0-9]{1,2})\s*[-/. ]\s*([0-9]{4}|[0-9]{2})\)?$',
    ['d', 'm', 'y']);

CREATE OR REPLACE MACRO local_date(word) AS
  CASE WHEN local_date_parts(word).d <> '' THEN
    iso_date(full_year(local_date_parts(word).y),
      CASE WHEN regexp_full_match(local_date_parts(word).m, '[0-9]+') THEN try_cast(local_date_parts(word).m AS INTEGER)
           ELSE month_number(local_date_parts(word).m) END,
      try_cast(local_date_parts(word).d AS INTEGER))
  END;

CREATE OR REPLACE MACRO read_date(cell, locale) AS
  CASE
    WHEN is_number_cell(cell) THEN excel_day(cell_text(cell))
    WHEN regexp_full_match(cell_text(cell), '[0-9]{4}-[0-9]{2}-[0-9]{2}([ T]00:00(:00(\.0+)?)?)?')
      THEN try_cast(left(cell_text(cell), 10) AS DATE)
    WHEN locale = 'plain' THEN NULL
    WHEN regexp_full_match(cell_text(cell), '[0-9]{5}') THEN excel_day(cell_text(cell))
    ELSE local_date(cell_text(cell))
  END;

CREATE OR REPLACE MACRO local_period_parts(word) AS
  regexp_extract(word, '^([A-Za-z]+|[0-9]{1,2})\s*[-/. ]\s*([0-9]{4})$', ['m', 'y']);

CREATE OR REPLACE MACRO period_text(y, m) AS CASE WHEN m BETWEEN 1 AND 12 THEN printf('%04d-%02d', y, m) END;

CREATE OR REPLACE MACRO local_period(word) AS
  CASE
    WHEN regexp_full_match(word, '(19|20)[0-9]{4}')
      THEN period_text(try_cast(left(word, 4) AS INTEGER), try_cast(right(word, 2) AS INTEGER))
    WHEN regexp_full_match(word, '[01][0-9](19|20)[0-9]{2}')
      THEN period_text(try_cast(right(word, 4) AS INTEGER), try_cast(left(word, 2) AS INTEGER))
    WHEN local_period_parts(word).m <> '' THEN
      period_text(try_cast(local_period_parts(word).y AS INTEGER),
        CASE WHEN regexp_full_match(local_period_parts(word).m, '[0-9]+') THEN try_cast(local_period_parts(word).m AS INTEGER)
             ELSE month_number(local_period_parts(word).m) END)
    ELSE strftime(local_date(word), '%Y-%m')
  END;

CREATE OR REPLACE MACRO read_period(cell, locale) AS
  CASE
    WHEN is_number_cell(cell) AND length(cell_text(cell)) = 5 THEN strftime(excel_day(cell_text(cell)), '%Y-%m')
    WHEN regexp_full_match(cell_text(cell), '[0-9]{4}-(0[1-9]|1[0-2])') THEN cell_text(cell)
    WHEN read_date(cell, 'plain') IS NOT NULL THEN strftime(read_date(cell, 'plain'), '%Y-%m')
    WHEN locale = 'plain' AND NOT is_number_cell(cell) THEN NULL
    ELSE local_period(cell_text(cell))
  END;

CREATE OR REPLACE MACRO read_boolean(cell) AS
  CASE
    WHEN lower(cell_text(cell)) IN ('true', 'ya', 'y', 't', '1', 'yes') THEN true
    WHEN lower(cell_text(cell)) IN ('false', 'tidak', 'n', 'f', '0', 'no') THEN false
  END;

-- A Kemendagri code without its dots, 13.10.04.2003 for 1310042003.
CREATE OR REPLACE MACRO dotted(code) AS
  CASE
    WHEN contains(code, '.') OR code = '0000' OR NOT regexp_full_match(code, '[0-9]{2}|[0-9]{4}|[0-9]{6}|[0-9]{10}') THEN code
    ELSE array_to_string(list_filter([substr(code, 1, 2), substr(code, 3, 2), substr(code, 5, 2), substr(code, 7, 4)], lambda p: p <> ''), '.')
  END;

-- Date of birth that a NIK holds (digits 7 to 12; 40 is added to the day of women); null if the calendar lacks it.
CREATE OR REPLACE MACRO nik_day(nik) AS
  CASE WHEN substr(nik, 7, 2) > '40' THEN try_cast(substr(nik, 7, 2) AS INTEGER) - 40 ELSE try_cast(substr(nik, 7, 2) AS INTEGER) END;

CREATE OR REPLACE MACRO nik_birth_date(nik) AS
  CASE WHEN regexp_full_match(nik, '[0-9]{16}') THEN
    coalesce(
      CASE WHEN substr(nik, 11, 2) <= strftime(getvariable('as_of'), '%y')
        THEN iso_date(2000 + try_cast(substr(nik, 11, 2) AS INTEGER), try_cast(substr(nik, 9, 2) AS INTEGER), nik_day(nik)) END,
      iso_date(1900 + try_cast(substr(nik, 11, 2) AS INTEGER), try_cast(substr(nik, 9, 2) AS INTEGER), nik_day(nik)))
  END;

CREATE OR REPLACE MACRO nik_sex(nik) AS CASE WHEN substr(nik, 7, 2) > '40' THEN 'P' ELSE 'L' END;

-- Keyed hash of an identifier: 16 bytes of sha256 over the key, the kind and the identifier (of fixed length).
CREATE OR REPLACE MACRO keyed_hash(kind, identifier) AS
  unhex(left(sha256(getvariable('person_key') || kind || identifier), 32));

-- Last day of a month given as YYYY-MM.
CREATE OR REPLACE MACRO last_day_of(period) AS last_day(try_cast(period || '-01' AS DATE));

-- How names of regions are compared: lower case, single spaces.
CREATE OR REPLACE MACRO alias_of(name) AS lower(trim(regexp_replace(name, '\s+', ' ', 'g')));
