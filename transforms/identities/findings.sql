-- What the relation `broken` lists, in words.
SELECT
  b.code, b.place_code, b.year, b.concept, b.verdict, b.left_side, b.right_side,
  m.message_id || CASE b.verdict WHEN 'usable' THEN '; angka ini tetap dipakai' ELSE '' END AS message_id,
  m.message_en || CASE b.verdict WHEN 'usable' THEN '; this figure stays usable' ELSE '' END AS message_en,
  'warn' AS severity
FROM broken AS b
JOIN (VALUES
  ('labour_force_sum', 'Angkatan kerja tidak sama dengan bekerja + pengangguran',
    'The labour force is not employed + unemployed'),
  ('status_sum', 'Bekerja tidak sama dengan pekerja formal + informal', 'Employed is not formal + informal'),
  ('regencies_sum', 'Jumlah kabupaten/kota tidak sama dengan angka provinsi', 'The regencies do not add up to the province'),
  ('provinces_sum', 'Jumlah provinsi tidak sama dengan angka nasional', 'The provinces do not add up to the nation'),
  ('parts_exchanged',
    'Pangsa bagian ini bergeser serempak di banyak wilayah: kolomnya tertukar tahun itu? '
    || 'Nyatakan di profil (meanings) arti kolom tahun itu beserta buktinya',
    'The share of this part moved in many regions at once: were its columns exchanged that year? '
    || 'Declare in the profile (meanings) what the columns of that year mean, with evidence'),
  ('unit_change', 'Angka sekitar seribu kali, atau seperseribu, tahun-tahun lainnya: satuannya lain',
    'About a thousand times, or a thousandth of, its other years: another unit'),
  ('rate_of_counts', 'Tingkat pengangguran tidak sama dengan pengangguran / angkatan kerja',
    'The unemployment rate is not unemployed / labour force'),
  ('jump', 'Angka melonjak dari tahun-tahun di sekitarnya; bila deretnya memang patah, catat di series_breaks.csv',
    'The figure leaves its years around; where the series does break, declare it in series_breaks.csv'),
  ('no_workers', 'Nol di wilayah tanpa pekerja berarti angka tidak ada',
    'A zero where nobody works means that there is no figure'),
  ('segments_sum', 'Jumlah segmen tidak sama dengan totalnya (ALL)', 'The segments do not add up to their total (ALL)'),
  ('stock_order', 'Terdaftar harus paling sedikit sebanyak aktif, dan aktif sebanyak terlindungi',
    'Registered must be at least active, and active at least protected')
) AS m (code, message_id, message_en) USING (code)
WHERE b.is_listed
ORDER BY b.code, b.place_code, b.year, b.concept, b.verdict, b.left_side, b.right_side
