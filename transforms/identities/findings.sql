-- What the relation `broken` holds, in words.
SELECT
  b.code, b.place_code, b.year, b.concept, b.verdict, b.left_side, b.right_side,
  m.message_id || CASE b.verdict WHEN 'usable' THEN '; bagian ini tetap dipakai' ELSE '' END AS message_id,
  m.message_en || CASE b.verdict WHEN 'usable' THEN '; this part stays usable' ELSE '' END AS message_en,
  'warn' AS severity
FROM broken AS b
JOIN (VALUES
  ('labour_force_sum', 'Angkatan kerja tidak sama dengan bekerja + pengangguran',
    'The labour force is not employed + unemployed'),
  ('status_sum', 'Bekerja tidak sama dengan pekerja formal + informal', 'Employed is not formal + informal'),
  ('regencies_sum', 'Jumlah kabupaten/kota tidak sama dengan angka provinsi', 'The regencies do not add up to the province'),
  ('provinces_sum', 'Jumlah provinsi tidak sama dengan angka nasional', 'The provinces do not add up to the nation'),
  ('no_workers', 'Jumlah pekerja nol berarti angka tidak ada', 'A count of zero workers means that there is no figure'),
  ('segments_sum', 'Jumlah segmen tidak sama dengan totalnya (ALL)', 'The segments do not add up to their total (ALL)'),
  ('stock_order', 'Terdaftar harus paling sedikit sebanyak aktif, dan aktif sebanyak terlindungi',
    'Registered must be at least active, and active at least protected')
) AS m (code, message_id, message_en) USING (code)
ORDER BY b.code, b.place_code, b.year, b.concept, b.verdict, b.left_side, b.right_side
