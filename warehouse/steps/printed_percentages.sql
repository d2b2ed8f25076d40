-- Sources whose printed percentage does not follow from the count and the workers that they print beside it: the
-- same source says, of one place and day, how many, out of how many, and what share that is. Every figure may be off
-- by half its last printed digit.
SELECT share.as_of, share.place_code, share.segment, share.basis, share.source_kind, share.source
FROM core.recaps AS share
JOIN core.recaps AS counted USING (as_of, place_code, segment, basis, source_kind, source)
JOIN core.labour_force AS workers
  ON workers.region_code = share.place_code
  AND workers.as_of = share.as_of
  AND workers.source_kind = share.source_kind
  AND workers.source = share.source
WHERE share.measure = 'percent' AND counted.measure IN ('persons', 'memberships') AND workers.value > 0
GROUP BY ALL
HAVING NOT bool_or(
  coalesce(
    share.value + percent_rounding(share.value) >= 100 * figure_low(counted.value, counted.qualifier)
      / figure_high(workers.value, workers.qualifier), true
  )
  AND coalesce(
    share.value - percent_rounding(share.value) <= 100 * figure_high(counted.value, counted.qualifier)
      / figure_low(workers.value, workers.qualifier), true
  )
)
