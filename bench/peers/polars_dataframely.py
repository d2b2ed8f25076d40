"""Polars and dataframely: a schema with rules that parts the good rows from the bad ones and says what these broke."""

import dataframely as dy
import job as given_job
import polars as pl

COUNTED = ["office_code", "nik", "kpj", "segment", "region_code", "last_paid_period"]
COLUMNS = (
    "office_code", "period", "kpj", "nik", "name", "birth_date", "sex", "segment", "programmes", "employer_npp",
    "employer_scale", "sector_code", "region_system", "region_code", "village_code", "wage_idr", "contribution_idr",
    "last_paid_period", "registered_date", "funding", "channel", "agent_code",
)  # fmt: skip


def main() -> None:
    """Do the job."""
    job = given_job.given()
    schema = schema_of(job)
    read, kept = 0, []
    for number, path in enumerate(job.exports):
        rows = pl.read_csv(path, infer_schema=False)
        read += rows.height
        good, failure = schema.filter(prepared(job, rows))
        good.select(rows.columns).write_parquet(job.out / f"good-{number:04d}.parquet", compression="zstd")
        failure.write_parquet(job.out / f"bad-{number:04d}.parquet")
        kept.append(good.select(COUNTED))
    counted = pl.concat(kept)
    write_figures(job, counted)
    job.answer(read, counted.height)


def schema_of(job: given_job.Job) -> type[dy.Schema]:
    """Give the schema whose rules are those of the job."""
    values = {
        "office_code": job.offices, "region_code": job.regions, "segment": given_job.SEGMENTS,
        "sex": given_job.SEXES, "employer_scale": given_job.SCALES, "funding": given_job.FUNDING,
        "channel": given_job.CHANNELS, "period": [job.period],
    }  # fmt: skip
    shapes = {
        "nik": given_job.NIK, "kpj": given_job.KPJ, "last_paid_period": given_job.MONTH,
        "wage_idr": given_job.MONEY, "contribution_idr": given_job.MONEY,
    }  # fmt: skip
    body: dict[str, object] = {
        name: dy.String(
            nullable=name not in given_job.REQUIRED,
            regex=f"^{shapes[name]}$" if name in shapes else None,
            check=(lambda column, among=tuple(values[name]): column.is_in(among)) if name in values else None,
        )
        for name in COLUMNS
    }
    body |= {"nik_born": dy.Date(nullable=False), "programme_set": dy.String(nullable=False)}
    rules = {
        "nik_serial": ~pl.col("nik").str.ends_with("0000"),
        "kpj_twice": pl.col("kpj").is_unique(),
        "programmes_allowed": pl.col("programme_set").is_in(["/".join(one) for one in job.programme_sets()]),
        "birth_date_day": pl.col("birth_date").is_null() | day("birth_date").is_not_null(),
        "registered_date_day": pl.col("registered_date").is_null() | day("registered_date").is_not_null(),
        "birth_date_plausible": day("birth_date").is_between(pl.date(1900, 1, 1), pl.lit(job.period_end)),
        "registered_in_time": day("registered_date") <= pl.lit(job.period_end),
        "last_paid_plausible": pl.col("last_paid_period").is_between(pl.lit("1977-12"), pl.lit(job.month(24))),
        "wage_plausible": pl.col("wage_idr").cast(pl.Float64, strict=False) <= given_job.HIGHEST_WAGE,
        "pays_enough": pays_enough(job),
    }
    body |= {name: dy.rule()(lambda _schema, holds=holds: holds.fill_null(value=True)) for name, holds in rules.items()}
    return type("Participants", (dy.Schema,), body)


def day(column: str) -> pl.Expr:
    """Read a column of ISO days; null where a cell is none."""
    return pl.col(column).str.to_date("%Y-%m-%d", strict=False)


def pays_enough(job: given_job.Job) -> pl.Expr:
    """Tell whether the contribution is none, or at least the least of its kind and month."""
    paid = pl.col("contribution_idr").cast(pl.Float64, strict=False)
    special = [sector for _, _, sector, *_ in job.minima if sector]
    programmes = pl.col("programme_set").str.split("/").list.last()
    low = pl.lit(value=False)
    for segment, of_set, sector, least, first, last in job.minima:
        trade = pl.col("sector_code").fill_null("")
        of_trade = trade == sector if sector else ~trade.is_in(special)
        concerned = (pl.col("segment") == segment) & (programmes == of_set) & of_trade
        low |= (
            concerned & pl.col("last_paid_period").is_between(pl.lit(first), pl.lit(last)) & (paid > 0) & (paid < least)
        )
    return ~low


def prepared(job: given_job.Job, rows: pl.DataFrame) -> pl.DataFrame:
    """Give the rows with what rules look at: the day inside the NIK, and the programmes in order with their kind."""
    nik = pl.col("nik").str
    day_in, month, year = (nik.slice(at, 2).cast(pl.Int32, strict=False) for at in (6, 8, 10))
    of_day = pl.when(day_in > 40).then(day_in - 40).otherwise(day_in)

    def of(century: int) -> pl.Expr:
        parts = pl.concat_str(
            (century + year).cast(pl.String), month.cast(pl.String), of_day.cast(pl.String), separator="-"
        )
        return parts.str.to_date("%Y-%-m-%-d", strict=False)

    recent = pl.when(year <= job.today.year % 100).then(of(2000))
    is_nik = nik.contains(f"^{given_job.NIK}$")
    programmes = pl.col("programmes").str.split("+").list.sort().list.join("+")
    kind = [pl.col(name).fill_null("") for name in ("segment", "employer_scale")]
    return rows.with_columns(
        nik_born=pl.when(is_nik).then(pl.coalesce(recent, of(1900))),
        programme_set=pl.concat_str(*kind, programmes.fill_null(""), separator="/"),
    )


def write_figures(job: given_job.Job, rows: pl.DataFrame) -> None:
    """Write coverage and attainment."""
    paid = pl.col("last_paid_period")
    members = rows.lazy().with_columns(
        registered_stock=pl.lit(value=True), active_stock=paid >= job.active_from, protected_stock=paid >= job.period
    )
    several = rows.filter(pl.col("nik").is_duplicated()).with_columns(
        order=pl.col("segment").replace_strict({one: place for place, one in enumerate(given_job.SEGMENTS)}),
        rank=pl.col("kpj").map_elements(job.rank, return_dtype=pl.String),
    )
    places = several.sort("last_paid_period", "order", "rank", descending=[True, False, False]).unique(
        "nik", keep="first", maintain_order=True
    )
    place = places.lazy().select("nik", regency="region_code")
    placed = members.join(place, on="nik", how="left").with_columns(pl.col("regency").fill_null(pl.col("region_code")))
    regency = pl.col("regency")
    levels = {
        "national": pl.lit("0000"),
        "province": regency.str.head(2),
        "regency": regency,
        "office": pl.col("office_code"),
    }
    counted = [
        persons(placed, level, code, segment)
        for level, code in levels.items()
        for segment in ("ALL", *given_job.SEGMENTS)
    ]
    workers = pl.LazyFrame(list(job.workers()), ["geo_level", "geo_code", "segment", "denominator"], orient="row")
    figures = pl.concat(counted).join(workers, on=["geo_level", "geo_code", "segment"], how="left")
    shown = figures.with_columns(coverage_pct=100 * pl.col("persons") / pl.col("denominator"))
    shown.select(given_job.COVERAGE).collect(engine="streaming").write_csv(job.out / "coverage.csv")
    actual = members.filter("active_stock").group_by("office_code", "segment").agg(actual=pl.col("kpj").n_unique())
    targets = pl.LazyFrame(job.targets, ["office_code", "segment", "target"], orient="row")
    attained = targets.join(actual, on=["office_code", "segment"], how="left").with_columns(
        pl.col("actual").fill_null(0)
    )
    pct = pl.when(pl.col("target") > 0).then(100 * pl.col("actual") / pl.col("target"))
    attained.with_columns(attainment_pct=pct).collect().write_csv(job.out / "attainment.csv")


def persons(rows: pl.LazyFrame, level: str, code: pl.Expr, segment: str) -> pl.LazyFrame:
    """Count the distinct persons of a level and segment by place and basis."""
    part = rows if segment == "ALL" else rows.filter(pl.col("segment") == segment)
    each = part.group_by(code.alias("geo_code"), "nik").agg(pl.col(given_job.BASES).any())
    sums = each.group_by("geo_code").agg(pl.col(given_job.BASES).sum())
    long = sums.unpivot(given_job.BASES, index="geo_code", variable_name="basis", value_name="persons")
    return long.with_columns(geo_level=pl.lit(level), segment=pl.lit(segment))


if __name__ == "__main__":
    main()
