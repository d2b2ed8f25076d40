"""dlt and DuckDB: dlt loads the exports as they are, SQL on what it loaded does the rest, as its guides show."""

import contextlib
import os
import sys
from pathlib import Path

import job as given_job

HERE = Path(__file__).parent
# What looks like a number and is a code.
CODES = {"regions": ", types = {'region_code': 'VARCHAR'}", "workers": ", types = {'geo_code': 'VARCHAR'}"}


def main() -> None:
    """Do the job."""
    job = given_job.given()
    os.environ |= {"DLT_DATA_DIR": str(job.out / "dlt"), "RUNTIME__DLTHUB_TELEMETRY": "false"}
    with contextlib.redirect_stdout(sys.stderr):
        pipeline = loaded(job)
        with pipeline.sql_client() as client:
            con = client.native_connection
            read, good = transformed(job, con, client.dataset_name)
    job.answer(read, good)


def loaded(job: given_job.Job):  # noqa: ANN201 - dlt's own type
    """Load every line of the exports into DuckDB, as text."""
    import dlt
    from dlt.sources.filesystem import filesystem, read_csv_duckdb

    pipeline = dlt.pipeline(
        "participants", destination=dlt.destinations.duckdb(str(job.out / "loaded.duckdb")), dataset_name="landed"
    )
    files = filesystem(bucket_url=(job.landing / "participants").as_uri(), file_glob="**/*.csv")
    reader = files | read_csv_duckdb(use_pyarrow=True, chunk_size=100_000, all_varchar=True, header=True)
    pipeline.run(reader.with_name("raw"), write_disposition="replace", loader_file_format="parquet")
    return pipeline


def transformed(job: given_job.Job, con, dataset: str) -> tuple[int, int]:  # noqa: ANN001 - DuckDB's connection
    """Part the good rows from the bad ones and compute the figures; gives how many were read and are good."""
    con.execute(f"USE {dataset}")
    con.execute(f"SET threads = {job.threads}")
    prepare(job, con)
    con.execute(f"CREATE OR REPLACE TABLE checked AS {(HERE / 'rules.sql').read_text(encoding='utf-8')}")
    con.execute("CREATE OR REPLACE VIEW good AS SELECT * FROM checked WHERE len(reasons) = 0")
    con.execute(f"COPY good TO '{job.out / 'good.parquet'}' (COMPRESSION zstd)")
    con.execute(f"COPY (FROM checked WHERE len(reasons) > 0) TO '{job.out / 'bad.parquet'}' (COMPRESSION zstd)")
    con.execute((HERE / "figures.sql").read_text(encoding="utf-8"))
    for name in ("coverage", "attainment"):
        con.execute(f"COPY {name} TO '{job.out / f'{name}.csv'}' (HEADER)")
    return con.execute("SELECT count(*), count(*) FILTER (len(reasons) = 0) FROM checked").fetchone()


def prepare(job: given_job.Job, con) -> None:  # noqa: ANN001 - DuckDB's connection
    """Give a connection the reference data and what the queries ask for."""
    for path in sorted(job.write_reference().glob("*.csv")):
        con.execute(f"CREATE OR REPLACE TABLE {path.stem} AS FROM read_csv('{path}'{CODES.get(path.stem, '')})")
    for name, value in {
        "period": job.period, "last_payable": job.month(24), "active_from": job.active_from, "key": job.key,
        "this_year": f"{job.today:%y}",
    }.items():  # fmt: skip
        con.execute(f"SET VARIABLE {name} = '{value}'")
    con.execute(f"SET VARIABLE period_end = DATE '{job.period_end}'")


if __name__ == "__main__":
    main()
