-- Reading text as it stands in files. A cell that begins with chr(1) was stored as a number by its file.

CREATE OR REPLACE MACRO is_number_cell(cell) AS coalesce(starts_with(cell, chr(1)), false);

CREATE OR REPLACE MACRO cell_text(cell) AS
  nullif(trim(replace(replace(cell, chr(1), ''), chr(160), ' ')), '');

-- What the tables can hold; a larger figure is a slip of the keyboard and counts as unreadable.
CREATE OR REPLACE MACRO storable(number) AS CASE WHEN abs(number) < 1000000000000000 THEN number END;

-- Numbers. `cell` is as the file has it, `word` its text (cell_text); one macro for each locale, so that a query that
-- reads one locale is planned for that one alone. No currency sign, a point for decimals; null if it is no number.
CREATE OR REPLACE MACRO bare_number(word) AS
  regexp_replace(regexp_replace(word, '^(Rp\.?|IDR)\s*', '', 'i'), '(,-|,--)$', '');

CREATE OR REPLACE MACRO magnitude(word) AS
  CASE lower(word)
    WHEN '' THEN 1 WHEN 'rb' THEN 1000 WHEN 'ribu' THEN 1000 WHEN 'jt' THEN 1000000 WHEN 'juta' THEN 1000000
    WHEN 'miliar' THEN 1000000000 WHEN 'milyar' THEN 1000000000 WHEN 'triliun' THEN 1000000000000
  END;

CREATE OR REPLACE MACRO plain_digits(bare) AS
  CASE WHEN regexp_full_match(bare, '[-+]?[0-9]+(\.[0-9]{1,8})?') THEN try_cast(bare AS DECIMAL(28, 8)) END;

CREATE OR REPLACE MACRO indonesian_digits(bare) AS
  CASE WHEN regexp_full_match(bare, '[-+]?([0-9]+|[1-9][0-9]{0,2}(\.[0-9]{3})+)(,[0-9]{1,8})?')
    THEN try_cast(replace(replace(bare, '.', ''), ',', '.') AS DECIMAL(28, 8)) END;

CREATE OR REPLACE MACRO english_digits(bare) AS
  CASE WHEN regexp_full_match(bare, '[-+]?([0-9]+|[1-9][0-9]{0,2}(,[0-9]{3})+)(\.[0-9]{1,8})?')
    THEN try_cast(replace(bare, ',', '') AS DECIMAL(28, 8)) END;

CREATE OR REPLACE MACRO read_number_plain(cell, word) AS
  CASE WHEN is_number_cell(cell) THEN try_cast(word AS DECIMAL(28, 8)) ELSE plain_digits(bare_number(word)) END;

CREATE OR REPLACE MACRO read_number_id(cell, word) AS
  CASE
    WHEN is_number_cell(cell) THEN try_cast(word AS DECIMAL(28, 8))
    WHEN regexp_matches(word, '[a-zA-Z]$') THEN
      indonesian_digits(regexp_extract(bare_number(word), '^(.*?)\s*([a-zA-Z]+)$', 1))
      * magnitude(regexp_extract(word, '([a-zA-Z]+)$', 1))
    ELSE indonesian_digits(bare_number(word))
  END;

CREATE OR REPLACE MACRO read_number_en(cell, word) AS
  CASE WHEN is_number_cell(cell) THEN try_cast(word AS DECIMAL(28, 8)) ELSE english_digits(bare_number(word)) END;

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

CREATE OR REPLACE MACRO iso_day(word) AS
  CASE WHEN regexp_full_match(word, '[0-9]{4}-[0-9]{2}-[0-9]{2}([ T]00:00(:00(\.0+)?)?)?')
    THEN try_cast(left(word, 10) AS DATE) END;

CREATE OR REPLACE MACRO read_date_plain(cell, word) AS
  CASE WHEN is_number_cell(cell) THEN excel_day(word) ELSE iso_day(word) END;

CREATE OR REPLACE MACRO read_date_local(cell, word) AS
  CASE
    WHEN is_number_cell(cell) OR regexp_full_match(word, '[0-9]{5}') THEN excel_day(word)
    ELSE coalesce(iso_day(word), local_date(word))
  END;

CREATE OR REPLACE MACRO local_period_parts(word) AS
  regexp_extract(word, '^([A-Za-z]+|[0-9]{1,2})\s*[-/. ]\s*([0-9]{4})$', ['m', 'y']);

CREATE OR REPLACE MACRO period_text(y, m) AS CASE WHEN m BETWEEN 1 AND 12 THEN printf('%04d-%02d', y, m) END;

-- 202610 and 102026.
CREATE OR REPLACE MACRO joined_period(word) AS
  CASE
    WHEN regexp_full_match(word, '(19|20)[0-9]{4}')
      THEN period_text(try_cast(left(word, 4) AS INTEGER), try_cast(right(word, 2) AS INTEGER))
    WHEN regexp_full_match(word, '[01][0-9](19|20)[0-9]{2}')
      THEN period_text(try_cast(right(word, 4) AS INTEGER), try_cast(left(word, 2) AS INTEGER))
  END;

CREATE OR REPLACE MACRO local_period(word) AS
  CASE
    WHEN regexp_full_match(word, '[0-9]{6}') THEN joined_period(word)
    WHEN local_period_parts(word).m <> '' THEN
      period_text(try_cast(local_period_parts(word).y AS INTEGER),
        CASE WHEN regexp_full_match(local_period_parts(word).m, '[0-9]+') THEN try_cast(local_period_parts(word).m AS INTEGER)
             ELSE month_number(local_period_parts(word).m) END)
    ELSE strftime(local_date(word), '%Y-%m')
  END;

-- A month that a sheet holds as a number: a day's serial, or 202610.
CREATE OR REPLACE MACRO number_period(word) AS
  CASE WHEN length(word) = 5 THEN strftime(excel_day(word), '%Y-%m') ELSE joined_period(word) END;

CREATE OR REPLACE MACRO month_of(word) AS
  CASE WHEN regexp_full_match(word, '[0-9]{4}-(0[1-9]|1[0-2])') THEN word ELSE strftime(iso_day(word), '%Y-%m') END;

CREATE OR REPLACE MACRO read_period_plain(cell, word) AS
  CASE WHEN is_number_cell(cell) THEN number_period(word) ELSE month_of(word) END;

CREATE OR REPLACE MACRO read_period_local(cell, word) AS
  CASE WHEN is_number_cell(cell) THEN number_period(word) ELSE coalesce(month_of(word), local_period(word)) END;

CREATE OR REPLACE MACRO read_boolean(word) AS
  CASE
    WHEN lower(word) IN ('true', 'ya', 'y', 't', '1', 'yes') THEN true
    WHEN lower(word) IN ('false', 'tidak', 'n', 'f', '0', 'no') THEN false
  END;

-- A Kemendagri code without its dots, 13.10.04.2003 for 1310042003.
CREATE OR REPLACE MACRO dotted(code) AS
  CASE
    WHEN contains(code, '.') OR code = '0000' OR NOT regexp_full_match(code, '[0-9]{2}|[0-9]{4}|[0-9]{6}|[0-9]{10}') THEN code
    ELSE array_to_string(list_filter([substr(code, 1, 2), substr(code, 3, 2), substr(code, 5, 2), substr(code, 7, 4)], lambda p: p <> ''), '.')
  END;

-- Date of birth that a NIK holds (digits 7 to 12; 40 is added to the day of women); null if the calendar lacks it.
CREATE OR REPLACE MACRO nik_day(birth) AS CASE WHEN birth > 400000 THEN birth // 10000 - 40 ELSE birth // 10000 END;

CREATE OR REPLACE MACRO is_calendar_day(y, m, d) AS
  m BETWEEN 1 AND 12 AND d BETWEEN 1 AND 31
  AND (d <= 28 OR (d <= 30 AND m <> 2) OR (d = 31 AND m IN (1, 3, 5, 7, 8, 10, 12)) OR (d = 29 AND m = 2 AND y % 4 = 0 AND y <> 1900));

-- `birth` is DDMMYY as a number; a year that has not begun yet is one of the last century.
CREATE OR REPLACE MACRO born_on(birth, y) AS
  CASE WHEN is_calendar_day(y, birth // 100 % 100, nik_day(birth)) THEN make_date(y, birth // 100 % 100, nik_day(birth)) END;

CREATE OR REPLACE MACRO nik_birth_date(nik) AS
  CASE WHEN regexp_full_match(nik, '[0-9]{16}') THEN
    coalesce(
      CASE WHEN try_cast(substr(nik, 11, 2) AS INTEGER) <= year(CAST(getvariable('today') AS DATE)) % 100
        THEN born_on(try_cast(substr(nik, 7, 6) AS INTEGER), 2000 + try_cast(substr(nik, 11, 2) AS INTEGER)) END,
      born_on(try_cast(substr(nik, 7, 6) AS INTEGER), 1900 + try_cast(substr(nik, 11, 2) AS INTEGER)))
  END;

CREATE OR REPLACE MACRO nik_sex(nik) AS CASE WHEN substr(nik, 7, 2) > '40' THEN 'P' ELSE 'L' END;

-- Keyed hash of an identifier: 16 bytes of sha256 over the key, the kind and the identifier (of fixed length).
CREATE OR REPLACE MACRO keyed_hash(kind, identifier) AS
  unhex(left(sha256(getvariable('person_key') || kind || identifier), 32));

-- Last day of a month given as YYYY-MM.
CREATE OR REPLACE MACRO last_day_of(period) AS last_day(try_cast(period || '-01' AS DATE));

-- How names of regions are compared: lower case, single spaces.
CREATE OR REPLACE MACRO alias_of(name) AS lower(trim(regexp_replace(name, '\s+', ' ', 'g')));

-- Programmes in alphabetical order, as reference tables write them.
CREATE OR REPLACE MACRO programme_set(programmes) AS
  array_to_string(list_sort(string_split(programmes, '+')), '+');

-- NIK and KPJ as a text file has them; people put an apostrophe before them, so that Excel takes them for text.
CREATE OR REPLACE MACRO identifier(cell) AS ltrim(trim(cell), chr(39));

-- Contributions may be paid two years ahead.
CREATE OR REPLACE MACRO last_payable_after(period) AS
  strftime(try_cast(period || '-01' AS DATE) + INTERVAL 24 MONTH, '%Y-%m');
