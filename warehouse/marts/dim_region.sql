-- Regions by today's BPS code. A region can have several Kemendagri codes, because Papua's retired ones still
-- resolve; today's is the one that begins with the Kemendagri code of today's province.
SELECT
  region.region_code,
  region.level,
  region.name_id,
  region.name_en,
  region.parent_code,
  province.region_code AS province_code,
  province.name_id AS province_name_id,
  province.name_en AS province_name_en,
  kemendagri.code AS kemendagri_code,
  region.predecessor_code,
  region.change_kind,
  region.valid_from,
  region.valid_to
FROM reference.regions AS region
LEFT JOIN reference.regions AS province
  ON province.level = 'province' AND province.region_code = left(region.region_code, 2)
LEFT JOIN reference.region_codes AS province_kemendagri
  ON province_kemendagri.region_system = 'kemendagri'
  AND province_kemendagri.region_code = province.region_code
  AND province_kemendagri.valid_to IS NULL
LEFT JOIN reference.region_codes AS kemendagri
  ON kemendagri.region_system = 'kemendagri'
  AND kemendagri.region_code = region.region_code
  AND kemendagri.valid_to IS NULL
  AND split_part(kemendagri.code, '.', 1) = province_kemendagri.code
