-- The closed forms that memberships are made of. `h` hashes a slot, `hm` a membership, `hp` a person, `he` an employer.
-- Months are counted: year * 12 + month - 1.

CREATE OR REPLACE MACRO bits(h, salt, n) AS (hash(h, salt) % n::UBIGINT)::BIGINT;

-- How long a membership lasts, in months: years where an employer pays, less on one's own.
CREATE OR REPLACE MACRO spell_length(h) AS
  CASE
    WHEN bits(h, 1, 10000) < 6700 THEN 48 + bits(h, 2, 97)
    WHEN bits(h, 1, 10000) < 9200 THEN 18 + bits(h, 2, 55)
    ELSE 12 + bits(h, 2, 25)
  END;
CREATE OR REPLACE MACRO spell_phase(h) AS bits(h, 4, spell_length(h));
CREATE OR REPLACE MACRO spell_of(h, month) AS (month - 23880 + spell_phase(h)) // spell_length(h);
CREATE OR REPLACE MACRO month_of_spell(h, spell) AS spell * spell_length(h) - spell_phase(h) + 23880;

CREATE OR REPLACE MACRO segment_of(h, pu_to, bpu_to, jakon_to) AS
  CASE
    WHEN bits(h, 1, 10000) < pu_to THEN 'PU' WHEN bits(h, 1, 10000) < bpu_to THEN 'BPU'
    WHEN bits(h, 1, 10000) < jakon_to THEN 'JAKON' ELSE 'PMI'
  END;

-- One slot in fifty spends ten months at its own office, ten at the next, and so on.
CREATE OR REPLACE MACRO is_away(h, month) AS h % 50::UBIGINT = 0 AND (month + bits(h, 6, 20)) % 20 >= 10;

-- One membership in 25 is PU for two years and BPU for two, in turn.
CREATE OR REPLACE MACRO has_switched(hm, month) AS hm % 25::UBIGINT = 0 AND (month + bits(hm, 7, 48)) % 48 >= 24;

CREATE OR REPLACE MACRO paid_ahead(begun, month, block) AS begun + ((month - begun) // block + 1) * block - 1;
CREATE OR REPLACE MACRO paid_with_gaps(month, phase, cycle, gap) AS
  month - greatest((month + phase) % cycle - (cycle - gap) + 1, 0);

-- The month last paid, never earlier than a month before: most pay, some late, some ahead; some stop and come back;
-- some stop for good. A migrant pays 24 months at once.
CREATE OR REPLACE MACRO last_paid_of(hm, segment, begun, month) AS
  CASE
    WHEN segment = 'PMI' THEN begun + 23
    WHEN bits(hm, 13, 100) < 62 THEN month - (hash(hm, month) % 16::UBIGINT = 0)::BIGINT
    WHEN bits(hm, 13, 100) < 69 THEN paid_ahead(begun, month, [3, 6, 12][1 + bits(hm, 17, 3)])
    WHEN bits(hm, 13, 100) < 72 THEN month - 1 - month % 2
    WHEN bits(hm, 13, 100) < 83 THEN paid_with_gaps(month, bits(hm, 19, 40), 10 + bits(hm, 21, 15), 2 + bits(hm, 25, 6))
    ELSE least(month, begun + bits(hm, 27, 60))
  END;

-- Few employers have many workers.
CREATE OR REPLACE MACRO employer_of(hm, members) AS
  floor(power(bits(hm, 33, 1000000) / 1000000.0, 3) * (members // 12 + 1))::BIGINT;
CREATE OR REPLACE MACRO scale_of(he) AS
  CASE
    WHEN bits(he, 1, 100) < 15 THEN 'micro' WHEN bits(he, 1, 100) < 35 THEN 'small'
    WHEN bits(he, 1, 100) < 60 THEN 'medium' ELSE 'large'
  END;
CREATE OR REPLACE MACRO programmes_of(scale, he) AS
  CASE
    WHEN scale = 'micro' THEN 'JKK+JKM' WHEN scale = 'small' THEN 'JKK+JKM+JHT'
    WHEN bits(he, 2, 100) < 30 THEN 'JKK+JKM+JHT+JP' ELSE 'JKK+JKM+JHT+JP+JKP'
  END;
CREATE OR REPLACE MACRO employed_wage(hm, scale) AS
  CASE scale WHEN 'micro' THEN 1800000 WHEN 'small' THEN 2300000 WHEN 'medium' THEN 3000000 ELSE 3800000 END
  + 1000 * floor(power(bits(hm, 43, 1000000) / 1000000.0, 4) * 20000)::BIGINT + 1000 * bits(hm, 44, 900);

CREATE OR REPLACE MACRO funding_of(hm) AS
  CASE
    WHEN bits(hm, 59, 100) < 70 THEN 'self' WHEN bits(hm, 59, 100) < 84 THEN 'apbd' WHEN bits(hm, 59, 100) < 90 THEN 'village'
    WHEN bits(hm, 59, 100) < 94 THEN 'csr' WHEN bits(hm, 59, 100) < 96 THEN 'pokir' WHEN bits(hm, 59, 100) < 98 THEN 'apbn'
    ELSE 'other'
  END;
CREATE OR REPLACE MACRO channel_of(hm) AS
  CASE
    WHEN bits(hm, 61, 100) < 30 THEN 'perisai' WHEN bits(hm, 61, 100) < 55 THEN 'branch' WHEN bits(hm, 61, 100) < 70 THEN 'app'
    WHEN bits(hm, 61, 100) < 95 THEN 'collective' ELSE 'other'
  END;

CREATE OR REPLACE MACRO employed_contribution(programmes, wage, he) AS
  round(
    wage * (pu_jkk[1 + bits(he, 3, 5)] + pu_jkm)
    + if(contains(programmes, 'JHT'), wage * pu_jht, 0)
    + if(contains(programmes, 'JP+') OR ends_with(programmes, 'JP'), least(wage, jp_cap) * pu_jp, 0)
  );
CREATE OR REPLACE MACRO own_contribution(programmes, wage, sector) AS
  if(sector = 'H',
    greatest(transport_jkk_least, wage * transport_jkk) + transport_jkm,
    greatest(own_jkk_least, wage * own_jkk) + own_jkm)
  + if(contains(programmes, 'JHT'), greatest(own_jht_least, wage * own_jht), 0);

-- One month's contribution at the rates of the month last paid; a builder's is paid by project, so there is none.
CREATE OR REPLACE MACRO contribution_of(segment, programmes, wage, he, sector) AS
  CASE segment
    WHEN 'PU' THEN employed_contribution(programmes, wage, he)
    WHEN 'BPU' THEN own_contribution(programmes, wage, sector)
    WHEN 'PMI' THEN 332500
  END::BIGINT;

CREATE OR REPLACE MACRO eleven_digits(n) AS
  CASE WHEN n >= 10000000000 THEN n::VARCHAR ELSE substr((n + 100000000000)::VARCHAR, 2) END;

-- KPJ: eleven digits, another for every slot and spell.
CREATE OR REPLACE MACRO kpj_of(slot, spell, seed) AS
  eleven_digits(((slot + spell * 100000000) * 61803399 + bits(seed, 67, 100000000000)) % 100000000000);

CREATE OR REPLACE MACRO nik_text(n, born, is_woman) AS
  if(n % 2 = 0, '99', '00') || (
    (10 + n // 2 % 90) * 1000000000000 + (1 + n // 180 % 99) * 10000000000
    + (day(born) + if(is_woman, 40, 0)) * 100000000 + month(born) * 1000000 + year(born) % 100 * 10000
    + 1 + n // 17820
  )::VARCHAR;

-- NIK: province 99 or 00, which no province has; regency, district and serial tell people apart who share a birthday.
CREATE OR REPLACE MACRO nik_of(slot, seed, born, is_woman) AS
  nik_text((slot * 48271 + bits(seed, 71, 100000000)) % 178182180, born, is_woman);

CREATE OR REPLACE MACRO name_of(hp, is_woman) AS
  if(is_woman,
    ['Contoh', 'Misal', 'Peraga', 'Renée', 'Andai', 'Rekayu', 'Umpami', 'Khayali', 'Fiktifa', 'Cerita', 'Dongeng', 'Lamun'],
    ['Rekaan', 'Umpama', 'Khayal', 'Señor', 'Fiktif', 'Contohan', 'Misalkan', 'Andaian', 'Peragaan', 'Tokoh', 'Lakon', 'Hikayat']
  )[1 + bits(hp, 73, 12)] || ' ' ||
  ['Satu', 'Dua', 'Tiga', 'Empat', 'Lima', 'Enam', 'Tujuh', 'Delapan', 'Sembilan', 'Sepuluh', 'Sebelas', 'Belas', 'Puluh',
   'Ratus', 'Ribu', 'Juta'][1 + bits(hp, 79, 16)] || ' ' ||
  ['Utara', 'Selatan', 'Timur', 'Barat', 'Tengah', 'Hulu', 'Hilir', 'Pesisir', 'Lembah', 'Gunung', 'Pulau', 'Rimba',
   'Sungai', 'Danau', 'Teluk', 'Tanjung', 'Bukit', 'Padang', 'Ladang', 'Kebun'][1 + bits(hp, 83, 20)];
