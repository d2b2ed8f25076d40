-- One benefit payment, as reported.
SELECT
  typed.*,
  typed.office_code IN (SELECT office_code FROM reference.offices) AS office_is_known
FROM typed
