"""The page on messages to people: its settings and commands work as they stand there, in processes of their own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from tests.docs.pages import RUNBOOKS, blocks
from tests.receivers import QUOTED, certificate, mail_server

pytestmark = pytest.mark.slow
[PAGE] = [page for page in RUNBOOKS if page.stem == "alerts"]


def typed(folder: Path, line: str, **more: str) -> "subprocess.CompletedProcess[str]":
    """Run one line as it is typed, by someone who has set nothing else."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("CAKUPAN_")}
    return subprocess.run(
        ["bash", "-c", line], cwd=folder, env=clean | more, capture_output=True, text=True, timeout=120, check=False
    )


def test_the_settings_and_commands_of_the_page_reach_people(tmp_path: Path, httpserver: HTTPServer) -> None:
    [toml], [trial], [cron] = (blocks(PAGE, language) for language in ("toml", "console", "cron"))
    signed = certificate(tmp_path)
    httpserver.expect_request("/hooks/SECRET").respond_with_data("ok")
    (tmp_path / ".venv").symlink_to(Path(sys.prefix))
    with mail_server("starttls", signed, login=True) as box:
        here = toml.replace("cakupan:PASSWORD@mail.example.org:587", f"{QUOTED}@127.0.0.1:{box.port}")
        here = here.replace("https://chat.example.org/", httpserver.url_for("/"))
        (tmp_path / "cakupan.toml").write_text(here, encoding="utf-8")
        done = typed(tmp_path, trial, SSL_CERT_FILE=str(signed.certificate))
        assert (done.returncode, done.stderr, len(box.letters), len(httpserver.log)) == (0, "", 1, 1)
        assert "SECRET" not in done.stdout

        schedule, _, command = cron.partition("  ")
        assert schedule == "15 * * * *"
        for _ in range(2):
            done = typed(
                tmp_path, command.replace("/srv/cakupan", str(tmp_path)), SSL_CERT_FILE=str(signed.certificate)
            )
            assert (done.returncode, done.stdout, done.stderr) == (5, "", "")
    assert [subject.partition(": ")[2] for subject in box.subjects[1:]] == [
        "tidak ada malam yang berhasil / no night succeeded"
    ]
    assert box.recipients == [["siti@example.org", "budi@example.org"]] * 2
    assert len(httpserver.log) == 2


def test_the_page_explains_every_subject() -> None:
    from reports.message import WORDS

    page = PAGE.read_text(encoding="utf-8")
    told = {
        words.name_id.partition(",")[0] for result, words in WORDS.items() if result not in ("test", "landed", "alive")
    }
    assert [name for name in sorted(told) if name not in page] == []
