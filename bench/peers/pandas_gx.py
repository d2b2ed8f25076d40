"""pandas and Great Expectations: a batch an export, its suite, and the bad rows by the index that GX gives."""

import great_expectations as gx
import great_expectations.expectations as gxe
import job as given_job
import pandas as pd
from great_expectations.core.batch_definition import BatchDefinition

COUNTED = ["office_code", "nik", "kpj", "segment", "region_code", "last_paid_period"]
DAYS = ("birth_date", "registered_date")
AMOUNTS = ("wage_idr", "contribution_idr")


def main() -> None:
    """Do the job."""
    job = given_job.given()
    context = gx.get_context(mode="ephemeral")
    asset = context.data_sources.add_pandas("exports").add_dataframe_asset("export")
    definition = asset.add_batch_definition_whole_dataframe("whole")
    suite = context.suites.add(gx.ExpectationSuite(name="participants", expectations=expectations(job)))
    read, kept = 0, []
    for number, path in enumerate(job.exports):
        rows = pd.read_csv(path, dtype=str, keep_default_na=False, na_values=[""])
        read += len(rows)
        reasons = failures(definition, suite, prepared(job, rows))
        good = rows.drop(index=reasons.index)
        good.to_parquet(job.out / f"good-{number:04d}.parquet", compression="zstd", index=False)
        rows.loc[reasons.index].assign(reasons=reasons).to_parquet(job.out / f"bad-{number:04d}.parquet", index=False)
        kept.append(good[COUNTED])
    counted = pd.concat(kept, ignore_index=True)
    del kept
    write_figures(job, counted)
    job.answer(read, len(counted))


def expectations(job: given_job.Job) -> list[gxe.Expectation]:
    """Give the rules as expectations."""
    sets = {
        "office_code": job.offices, "region_code": job.regions, "segment": given_job.SEGMENTS,
        "sex": given_job.SEXES, "employer_scale": given_job.SCALES, "funding": given_job.FUNDING,
        "channel": given_job.CHANNELS, "period": [job.period],
        "programme_set": ["/".join(one) for one in job.programme_sets()],
    }  # fmt: skip
    shapes = {"nik": given_job.NIK, "kpj": given_job.KPJ, "last_paid_period": given_job.MONTH}
    shapes |= dict.fromkeys(AMOUNTS, given_job.MONEY)
    return [
        *(gxe.ExpectColumnValuesToNotBeNull(column=column) for column in (*given_job.REQUIRED, "nik_born")),
        *(gxe.ExpectColumnValuesToBeInSet(column=column, value_set=sorted(among)) for column, among in sets.items()),
        *(gxe.ExpectColumnValuesToMatchRegex(column=column, regex=f"^{shape}$") for column, shape in shapes.items()),
        *(gxe.ExpectColumnValuesToBeInSet(column=f"{column}_is_day", value_set=[True]) for column in DAYS),
        gxe.ExpectColumnValuesToNotMatchRegex(column="nik", regex="0000$"),
        gxe.ExpectColumnValuesToBeUnique(column="kpj"),
        gxe.ExpectColumnValuesToBeBetween(
            column="birth_date_day", min_value=pd.Timestamp(1900, 1, 1), max_value=pd.Timestamp(job.period_end)
        ),
        gxe.ExpectColumnValuesToBeBetween(column="registered_date_day", max_value=pd.Timestamp(job.period_end)),
        gxe.ExpectColumnValuesToBeBetween(
            column="last_paid_month", min_value=197712, max_value=int(job.month(24).replace("-", ""))
        ),
        gxe.ExpectColumnValuesToBeBetween(column="wage", max_value=given_job.HIGHEST_WAGE),
        gxe.ExpectColumnValuesToBeInSet(column="pays_enough", value_set=[True]),
    ]


def prepared(job: given_job.Job, rows: pd.DataFrame) -> pd.DataFrame:
    """Give the rows with the columns that expectations about several columns, days and numbers look at."""
    found = rows.copy()
    found["nik_born"] = birth_days(job, rows["nik"])
    for column in DAYS:
        found[f"{column}_day"] = pd.to_datetime(rows[column], format="%Y-%m-%d", errors="coerce")
        found[f"{column}_is_day"] = rows[column].isna() | found[f"{column}_day"].notna()
    found["last_paid_month"] = pd.to_numeric(rows["last_paid_period"].str.replace("-", ""), errors="coerce")
    found["wage"] = pd.to_numeric(rows["wage_idr"], errors="coerce")
    of_written = {one: given_job.sorted_programmes(one) for one in rows["programmes"].dropna().unique()}
    programmes = rows["programmes"].map(of_written)
    found["programme_set"] = (
        rows["segment"].fillna("") + "/" + rows["employer_scale"].fillna("") + "/" + programmes.fillna("")
    )
    found["pays_enough"] = pays_enough(job, rows.assign(programmes=programmes))
    return found


def birth_days(job: given_job.Job, nik: pd.Series) -> pd.Series:
    """Give the date of birth inside each NIK; null where there is none."""
    day, month, year = (pd.to_numeric(nik.str[at : at + 2], errors="coerce") for at in (6, 8, 10))
    day = day.where(day <= 40, day - 40)

    def of(century: int) -> pd.Series:
        parts = pd.DataFrame({"year": century + year, "month": month, "day": day})
        return pd.to_datetime(parts, errors="coerce")

    recent = of(2000).where(year <= job.today.year % 100)
    return recent.fillna(of(1900)).where(nik.str.fullmatch(given_job.NIK).fillna(value=False).astype(bool))


def pays_enough(job: given_job.Job, rows: pd.DataFrame) -> pd.Series:
    """Tell of each row whether its contribution is none, or at least the least of its kind and month."""
    paid = pd.to_numeric(rows["contribution_idr"], errors="coerce")
    enough = pd.Series(data=True, index=rows.index)
    special = {sector for _, _, sector, *_ in job.minima if sector}
    for segment, programmes, sector, least, first, last in job.minima:
        of_trade = rows["sector_code"] == sector if sector else ~rows["sector_code"].isin(special)
        concerned = (rows["segment"] == segment) & (rows["programmes"] == programmes) & of_trade
        concerned &= rows["last_paid_period"].between(first, last)
        enough &= ~(concerned & (paid > 0) & (paid < least))
    return enough


def failures(definition: BatchDefinition, suite: gx.ExpectationSuite, rows: pd.DataFrame) -> pd.Series:
    """Validate a batch; give the broken expectations of every bad row by its index."""
    batch = definition.get_batch(batch_parameters={"dataframe": rows})
    reasons: dict[int, list[str]] = {}
    for result in batch.validate(suite, result_format={"result_format": "COMPLETE"}).results:
        if result.exception_info.get("raised_exception"):
            raise RuntimeError(result.exception_info["exception_message"])
        kind = result.expectation_config.type.removeprefix("expect_column_values_to_")
        for index in result.result.get("unexpected_index_list") or []:
            reasons.setdefault(index, []).append(f"{result.expectation_config.kwargs['column']} {kind}")
    return pd.Series({index: "; ".join(found) for index, found in reasons.items()}, dtype=str)


def write_figures(job: given_job.Job, rows: pd.DataFrame) -> None:
    """Write coverage and attainment."""
    rows["person"] = pd.factorize(rows["nik"])[0]
    rows["registered_stock"] = True
    rows["active_stock"] = rows["last_paid_period"] >= job.active_from
    rows["protected_stock"] = rows["last_paid_period"] >= job.period
    rows["regency"] = places(job, rows)
    workers = {(level, place, segment): value for level, place, segment, value in job.workers()}
    levels = {"national": "0000", "province": rows["regency"].str[:2], "regency": rows["regency"]}
    figures = []
    for level, place in (levels | {"office": rows["office_code"]}).items():
        for segment in ("ALL", *given_job.SEGMENTS):
            part = rows.assign(place=place)
            if segment != "ALL":
                part = part[part["segment"] == segment]
            persons = part.groupby(["place", "person"], observed=True)[list(given_job.BASES)].any()
            for (code, basis), count in persons.groupby(level=0, observed=True).sum().stack().items():
                of = workers.get((level, code, segment))
                figures.append((level, code, segment, basis, count, of, 100 * count / of if of else None))
    given_job.write_csv(job.out / "coverage.csv", given_job.COVERAGE, figures)
    actual = rows[rows["active_stock"]].groupby(["office_code", "segment"])["kpj"].nunique()
    attained = ((*key, target, int(actual.get(key, 0))) for *key, target in job.targets for key in [tuple(key)])
    shown = ((*row, 100 * row[-1] / row[-2] if row[-2] else None) for row in attained)
    given_job.write_csv(job.out / "attainment.csv", given_job.ATTAINMENT, shown)


def places(job: given_job.Job, rows: pd.DataFrame) -> pd.Series:
    """Give where each row's person lives: the place of the membership last paid."""
    several = rows[rows["person"].duplicated(keep=False)].copy()
    several["order"] = several["segment"].map({one: place for place, one in enumerate(given_job.SEGMENTS)})
    several["rank"] = several["kpj"].map(job.rank)
    by = several.sort_values(["last_paid_period", "order", "rank"], ascending=[False, True, True])
    first = by.drop_duplicates("person").set_index("person")["region_code"]
    return rows["person"].map(first).fillna(rows["region_code"])


if __name__ == "__main__":
    main()
