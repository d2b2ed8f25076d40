"""How the house is built: floors, sizes, names that belong together, and what must not stand in it."""

import ast
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import duckdb
import pytest

from expectations.contracts import contracts_of
from tests.support import ROOT

FLOORS = {"expectations": 0, "sources": 1, "transforms": 1, "warehouse": 2, "simulation": 3, "reports": 3, "flows": 4}
MODULES = sorted(path for floor in FLOORS for path in (ROOT / floor).rglob("*.py"))
PYTHON = sorted({*MODULES, *(ROOT / "tests").rglob("*.py"), *(ROOT / "sample").rglob("*.py")})
MARTS = sorted((ROOT / "warehouse" / "marts").glob("*.sql"))
STEPS = sorted((ROOT / "warehouse" / "steps").glob("*.sql"))
Function = ast.FunctionDef | ast.AsyncFunctionDef
# Written apart, so that this file does not hold what it looks for.
ADDRESSES = re.compile(
    "|".join(
        ["--(extra-)?" + "index-url", "--find-" + "links", "python" + "hosted", r"/sim" + "ple/", "artifact" + "ory"]
    )
)
MACHINE = re.compile("|".join(["/wo" + r"rk/[a-z.]", r"\.libr" + "ary/", "/home/" + "[a-z]", "/ro" + "ot/"]))


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imports(path: Path) -> Iterator[str]:
    """Give the first word of everything that a module imports, wherever in it."""
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name_of(path)} imports relatively"
            yield (node.module or "").partition(".")[0]


def functions(path: Path) -> Iterator[tuple[str, Function]]:
    for node in ast.walk(parsed(path)):
        if isinstance(node, Function):
            yield f"{name_of(path)}:{node.lineno} {node.name}", node


def length(node: Function) -> int:
    """Give the lines of a function without its docstring."""
    whole = (node.end_lineno or node.lineno) - node.lineno + 1
    first = node.body[0]
    has_docstring = ast.get_docstring(node) is not None
    return whole - ((first.end_lineno or first.lineno) - first.lineno + 1 if has_docstring else 0)


def tracked() -> list[Path]:
    """Give every file that belongs to the project."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip("not a git work tree")
    return [path for path in (ROOT / line for line in listed.stdout.splitlines()) if path.is_file()]


def text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


# --- floors ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_folder_imports_from_lower_floors_only(path: Path) -> None:
    own = path.relative_to(ROOT).parts[0]
    above = {name for name in imports(path) if name in FLOORS and name != own and FLOORS[name] >= FLOORS[own]}
    assert above == set()


def test_there_are_modules_on_every_floor() -> None:
    assert {path.relative_to(ROOT).parts[0] for path in MODULES} == FLOORS.keys()


def test_only_flows_import_prefect_and_only_one_module_great_expectations() -> None:
    prefect = {name_of(path) for path in MODULES if "prefect" in set(imports(path))}
    assert prefect
    assert {name for name in prefect if not name.startswith("flows/prefect_")} == set()
    assert {path.relative_to(ROOT).parts[0] for path in MODULES if "great_expectations" in set(imports(path))} == {
        "expectations"
    }


def test_nothing_imports_pandas_or_tests() -> None:
    assert [
        name_of(path) for path in MODULES if {"pandas", "tests", "sample", "babel", "hypothesis"} & set(imports(path))
    ] == []


def test_settings_are_read_in_flows_only() -> None:
    readers = [name_of(path) for path in MODULES if "os.environ" in path.read_text(encoding="utf-8")]
    # One hands an environment without settings to processes of our own; one of those tells GX to be silent; one takes
    # another credential's token away from delta-rs.
    assert set(readers) <= {"expectations/processes.py", "expectations/judge.py", "sources/s3_access.py"}


# --- names that belong together ------------------------------------------------------------------------------------


def test_every_mart_has_sql_a_contract_and_a_case() -> None:
    published = contracts_of("mart") | contracts_of("dimension")
    assert {path.stem for path in MARTS} == published.keys()
    cases = {path.parent.parent.name for path in (ROOT / "tests" / "marts").glob("*/*/case.yml")}
    assert cases == published.keys()


def test_every_dataset_has_a_contract_and_its_sql() -> None:
    written = {path.stem for path in (ROOT / "transforms").glob("*.sql")} - {"macros"}
    assert written == contracts_of("dataset").keys()
    looked_up = {path.stem for path in (ROOT / "transforms" / "lookups").glob("*.sql")}
    assert looked_up
    assert looked_up <= {name for name, contract in contracts_of("dataset").items() if contract.partition}


def test_every_step_is_read_by_another_query() -> None:
    texts = {path: path.read_text(encoding="utf-8") for path in [*MARTS, *STEPS]}
    texts[ROOT / "checks.py"] = (ROOT / "warehouse" / "checks.py").read_text(encoding="utf-8")
    unread = [
        step.stem
        for step in STEPS
        if not any(f"steps.{step.stem}" in text for path, text in texts.items() if path != step)
    ]
    assert unread == []


# --- sizes ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", PYTHON, ids=name_of)
def test_no_file_is_over_400_lines_and_no_function_over_60(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400
    assert [name for name, node in functions(path) if length(node) > 60] == []


def test_most_functions_are_short(capsys: pytest.CaptureFixture[str]) -> None:
    lengths = [length(node) for path in MODULES for _, node in functions(path)]
    with capsys.disabled():
        print(f" [{len(lengths)} functions, median {median(lengths):g} lines, longest {max(lengths)}]", end="")
    assert median(lengths) <= 10


def test_the_night_reads_aloud() -> None:
    assert len((ROOT / "flows" / "nightly.py").read_text(encoding="utf-8").splitlines()) < 60


@pytest.mark.parametrize("path", MARTS, ids=name_of)
def test_a_mart_has_at_most_150_lines(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 150


def outermost(sql: str) -> list[str]:
    """Give the class of every column of a query's outermost select, both sides of a union."""
    found = duckdb.execute("SELECT json_serialize_sql($1::VARCHAR)", [sql]).fetchone()
    assert found is not None
    tree = json.loads(found[0])
    assert not tree["error"], tree
    nodes, classes = [tree["statements"][0]["node"]], list[str]()
    while nodes:
        node = nodes.pop()
        if node["type"] == "SELECT_NODE":
            classes += [column["class"] for column in node["select_list"]]
        else:
            nodes += [side for side in (node.get("left"), node.get("right"), *node.get("children", ())) if side]
    return classes


@pytest.mark.parametrize("path", [*MARTS, *STEPS], ids=name_of)
def test_a_query_is_one_select_and_a_mart_names_its_columns(path: Path) -> None:
    classes = outermost(path.read_text(encoding="utf-8").rstrip().rstrip(";"))
    assert classes
    assert path in STEPS or "STAR" not in classes


def test_the_search_for_stars_finds_them() -> None:
    assert outermost("WITH x AS (SELECT 1) SELECT * FROM x") == ["STAR"]
    assert outermost("WITH x AS (SELECT * FROM y) SELECT a FROM x") == ["COLUMN_REF"]


# --- words ---------------------------------------------------------------------------------------------------------


def undocumented(tree: ast.Module) -> Iterator[str]:
    """Name the public functions, methods and classes without a docstring; nested functions are private."""
    if ast.get_docstring(tree) is None:
        yield "module"
    nodes: list[ast.AST] = list(tree.body)
    while nodes:
        node = nodes.pop()
        if not isinstance(node, Function | ast.ClassDef) or node.name.startswith("_"):
            continue
        if ast.get_docstring(node) is None:
            yield node.name
        if isinstance(node, ast.ClassDef):
            nodes += node.body


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_everything_public_says_what_it_does(path: Path) -> None:
    assert list(undocumented(parsed(path))) == []


def test_the_search_for_docstrings_finds_what_lacks_one() -> None:
    bare = ast.parse("class A:\n    def b(self): ...\n    def _c(self): ...\n")
    assert sorted(undocumented(bare)) == ["A", "b", "module"]


def test_no_file_names_a_package_registry() -> None:
    assert [name_of(path) for path in tracked() if ADDRESSES.search(text_of(path))] == []


def test_no_file_names_the_machine_it_was_made_on() -> None:
    assert [name_of(path) for path in tracked() if MACHINE.search(text_of(path))] == []


def test_the_searches_find_what_they_look_for() -> None:
    assert ADDRESSES.search("pip install --extra-" + "index-url x")
    assert MACHINE.search("see /wo" + "rk/somewhere")


def test_no_work_is_left_to_do_in_the_code() -> None:
    marks = re.compile("|".join(["TO" + "DO", "FIX" + "ME", "X" + "XX\\b", "raise NotImplemented" + "Error"]))
    assert [
        name_of(path) for path in [*MODULES, *MARTS, *STEPS] if marks.search(path.read_text(encoding="utf-8"))
    ] == []
