-- Segments of membership, in the order in which they are shown.
SELECT segment, name_id, name_en, sort_order
FROM reference.segments
