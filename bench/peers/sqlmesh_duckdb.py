"""SQLMesh and DuckDB: a model a table, an audit for the good rows, one plan applied, as its guides show it."""

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import job as given_job

HERE = Path(__file__).parent
# What looks like a number and is a code.
CODES = {"regions": "{'region_code': 'VARCHAR'}", "workers": "{'geo_code': 'VARCHAR'}"}
# One run a day: what SQLMesh would keep up to date by its clock is asked for once.
HEAD = "MODEL (name {name}, kind FULL, cron '@daily'{more});\n"


def main() -> None:
    """Do the job."""
    job = given_job.given()
    with contextlib.redirect_stdout(sys.stderr):
        read, good = transformed(job)
    job.answer(read, good)


def transformed(job: given_job.Job) -> tuple[int, int]:
    """Apply the plan and write what it made; gives how many lines were read and are good."""
    os.environ["SQLMESH__DISABLE_ANONYMIZED_ANALYTICS"] = "true"
    from sqlmesh import Context

    context = Context(paths=str(project(job)), config=configured(job))
    context.plan(auto_apply=True, no_prompts=True)
    engine = context.engine_adapter
    # Where SQLMesh puts models that name no schema.
    engine.execute('USE "default"')
    engine.execute(f"COPY good TO '{job.out / 'good.parquet'}' (COMPRESSION zstd)")
    engine.execute(f"COPY bad TO '{job.out / 'bad.parquet'}' (COMPRESSION zstd)")
    for name in ("coverage", "attainment"):
        engine.execute(f"COPY {name} TO '{job.out / f'{name}.csv'}' (HEADER)")
    return engine.fetchone("SELECT count(*), count(*) FILTER (len(reasons) = 0) FROM checked")


def configured(job: given_job.Job):  # noqa: ANN201 - SQLMesh's own type
    """Give the project's settings: a DuckDB file, and what the queries ask for."""
    from sqlmesh.core.config import Config, DuckDBConnectionConfig, GatewayConfig, ModelDefaultsConfig

    told = {
        "period": job.period, "last_payable": job.month(24), "active_from": job.active_from, "key": job.key,
        "this_year": f"{job.today:%y}",
    }  # fmt: skip
    variables = [f"SET VARIABLE {name} = '{value}'" for name, value in told.items()]
    variables.append(f"SET VARIABLE period_end = DATE '{job.period_end}'")
    connection = DuckDBConnectionConfig(
        database=str(job.out / "loaded.duckdb"), connector_config={"threads": job.threads}
    )
    return Config(
        gateways={"local": GatewayConfig(connection=connection)},
        default_gateway="local",
        model_defaults=ModelDefaultsConfig(dialect="duckdb", start="2020-01-01"),
        before_all=variables,
        disable_anonymized_analytics=True,
    )


def project(job: given_job.Job) -> Path:
    """Write the project's models, and the audit that no good row has a reason to be bad."""
    folder = job.out / "project"
    (folder / "models").mkdir(parents=True)
    (folder / "audits").mkdir()
    audit = "AUDIT (name is_good);\nSELECT * FROM @this_model WHERE len(reasons) > 0\n"
    (folder / "audits" / "is_good.sql").write_text(audit, encoding="utf-8")
    for name, query in models(job):
        more = ", audits (is_good)" if name == "good" else ""
        (folder / "models" / f"{name}.sql").write_text(HEAD.format(name=name, more=more) + query, encoding="utf-8")
    return folder


def models(job: given_job.Job) -> Iterator[tuple[str, str]]:
    """Give the name and the query of every model."""
    for path in sorted(job.write_reference().glob("*.csv")):
        types = f", types = {CODES[path.stem]}" if path.stem in CODES else ""
        yield path.stem, f"SELECT * FROM read_csv('{path}'{types})"
    exports = job.landing / "participants" / "**" / "*.csv"
    yield "raw", f"SELECT * FROM read_csv('{exports}', header = true, all_varchar = true)"
    yield "checked", (HERE / "rules.sql").read_text(encoding="utf-8")
    yield "good", "SELECT * FROM checked WHERE len(reasons) = 0"
    yield "bad", "SELECT * FROM checked WHERE len(reasons) > 0"
    for statement in (HERE / "figures.sql").read_text(encoding="utf-8").split(";"):
        before, found, query = statement.partition(" AS\n")
        if found:
            yield before.split()[-1], query


if __name__ == "__main__":
    main()
