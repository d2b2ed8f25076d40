-- One registration of a Perisai agent; the agent's NIK leaves as a keyed hash.
SELECT
  typed.*,
  is_number_cell(typed.nik_cell) AS nik_is_number,
  CASE WHEN typed.nik IS NOT NULL THEN keyed_hash('nik', typed.nik) END AS person_id,
  typed.office_code IN (SELECT office_code FROM reference.offices) AS office_is_known
FROM typed
