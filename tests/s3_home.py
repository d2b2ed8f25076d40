"""A home on S3: landing zone, lake and builds under one prefix of a bucket, seen from one machine."""

import json
import shutil
import subprocess
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from flows.nightly import run_night
from flows.report import NightReport
from flows.settings import Settings
from flows.steps import Night
from sources.buckets import Bucket
from tests.s3 import new_bucket, variables_of
from tests.support import AS_OF, PERSON_KEY, SAMPLE, Home
from tests.warm import cold_cli, warm_cli
from warehouse.house import House
from warehouse.publish import Publication


@dataclass(frozen=True)
class S3Home:
    """A home in a bucket; the folder that holds the cache is the machine from which it is seen."""

    bucket: Bucket

    @classmethod
    def new(cls, endpoint: str, machine: Path) -> "S3Home":
        """Make an empty home in a bucket of its own."""
        machine.mkdir(parents=True, exist_ok=True)
        return cls(new_bucket(endpoint, machine / "cache", "data"))

    @property
    def machine(self) -> Path:
        """The folder in which processes run."""
        return self.bucket.cache.parent

    @property
    def house(self) -> House:
        """The lake."""
        return House(self.bucket.below("lake"))

    @property
    def publication(self) -> Publication:
        """The builds."""
        return Publication(self.bucket.below("publish"))

    def seen_from(self, machine: Path) -> "S3Home":
        """Give the same home as another machine sees it, which has no copies."""
        machine.mkdir(parents=True, exist_ok=True)
        return S3Home(replace(self.bucket, cache=machine / "cache"))

    def through(self, address: str) -> "S3Home":
        """Give the same home, reached through a gate."""
        return S3Home(replace(self.bucket, access=replace(self.bucket.access, endpoint_url=address)))

    def put(self, file: str, content: bytes) -> None:
        """Land a file."""
        self.bucket.write(f"landing/{file}", content)

    def land_sample(self, *folders: str) -> None:
        """Land the sample, or some folders of it."""
        for path in sorted(SAMPLE.rglob("*")):
            file = path.relative_to(SAMPLE).as_posix()
            if path.is_file() and "/" in file and (not folders or file.startswith(folders)):
                self.put(file, path.read_bytes())

    def settings(self, **more: Any) -> Settings:
        """Give the settings of this home."""
        access = self.bucket.access
        given: dict[str, Any] = {
            "landing": f"{self.bucket.uri}/landing",
            "lake": f"{self.bucket.uri}/lake",
            "publish": f"{self.bucket.uri}/publish",
            "cache": self.bucket.cache,
            "secrets": self.machine / "secrets",
            "person_key": SecretStr(PERSON_KEY),
            "memory_limit": "1GB",
            "s3_endpoint_url": access.endpoint_url,
            "s3_path_style": True,
            "s3_region": access.region,
            "s3_access_key_id": access.access_key_id,
            "s3_secret_access_key": access.secret_access_key,
        }
        return Settings(**given | more)

    def environment(self, **more: str) -> dict[str, str]:
        """Give the variables that make a process work in this home."""
        return Home(self.machine).environment(**variables_of(self.bucket) | more)

    def cakupan(self, *arguments: str, **more: str) -> "subprocess.CompletedProcess[str]":
        """Run the command line in a process of its own, in this home."""
        return subprocess.run(
            warm_cli(*arguments), cwd=self.machine, env=self.environment(**more), capture_output=True, text=True,
            timeout=300, check=False,
        )  # fmt: skip

    def start(self, *arguments: str, **more: str) -> "subprocess.Popen[str]":
        """Start the real command line, with a warm judge; see to it that it ends."""
        return subprocess.Popen(
            cold_cli(*arguments), cwd=self.machine, env=self.environment(**more), text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def answer(self, *arguments: str) -> Any:
        """Run a command that must go well, and give the document that it prints."""
        done = self.cakupan(*arguments, "--json")
        assert done.returncode in (0, 3), done.stderr
        return json.loads(done.stdout)

    def run(self, as_of: date = AS_OF, *, forced: bool = False, **more: Any) -> NightReport:
        """Run a night in process."""
        return run_night(Night(self.settings(**more), as_of, is_forced=forced))

    def marts(self, build_id: str) -> dict[str, bytes]:
        """Give the bytes of every published Parquet file of a build, as they stand in the bucket."""
        builds = self.bucket.below(f"publish/builds/{build_id}/marts")
        return {entry.key: builds.read(entry.key) or b"" for entry in builds.entries() if entry.key.endswith("parquet")}

    def forget_machine(self) -> None:
        """Lose everything that the machine had."""
        shutil.rmtree(self.bucket.cache, ignore_errors=True)
