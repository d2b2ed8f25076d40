"""What a Prefect server must know of Cakupan: the work pool, the deployments, the automations.

`python -m flows.prefect_setup deploy` brings it there. It may run any number of times: nothing is doubled, and what
somebody paused or switched off in the UI stays so.
"""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.responses import DeploymentResponse
from prefect.events.schemas.automations import AutomationCore
from prefect.exceptions import ObjectNotFound

from flows.prefect_dead import mend_dead_runs

PROJECT = Path(__file__).parents[1]
POOL = "cakupan"
AUTOMATIONS = PROJECT / "flows" / "automations.yaml"
WAIT_SECONDS = 120
_DEPLOY = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all"]


class SetupError(RuntimeError):
    """The server does not take what it is told."""


@dataclass(frozen=True)
class Pauses:
    """What somebody stopped in the UI, by deployment: wholly, or some of its schedules."""

    deployments: frozenset[str]
    schedules: frozenset[tuple[str, str]]


async def wait_for_api(client: PrefectClient, seconds: float = WAIT_SECONDS) -> None:
    """Wait until the server answers.

    Raises:
        SetupError: it does not, or it takes another password.
    """
    deadline = time.monotonic() + seconds
    while (fault := await client.api_healthcheck()) is not None:
        if time.monotonic() > deadline:
            raise SetupError(f"the Prefect server at {client.api_url} does not answer: {type(fault).__name__}")
        await asyncio.sleep(0.2)


async def make_work_pool(client: PrefectClient) -> bool:
    """Make the work pool where there is none; tell whether it was made."""
    try:
        await client.read_work_pool(POOL)
    except ObjectNotFound:
        described = "Proses di mesin ini / processes on this machine"
        await client.create_work_pool(WorkPoolCreate(name=POOL, type="process", description=described))
        return True
    return False


def pauses_of(deployments: Iterable[DeploymentResponse]) -> Pauses:
    """Remember what is stopped, since deploying again would start it."""
    known = list(deployments)
    return Pauses(
        frozenset(one.name for one in known if one.paused),
        frozenset((one.name, _told(s.schedule)) for one in known for s in one.schedules if not s.active),
    )


async def keep_pauses(client: PrefectClient, before: Pauses) -> list[str]:
    """Stop again what was stopped before; give the names of the deployments."""
    stopped = set[str]()
    for one in await client.read_deployments():
        if one.name in before.deployments:
            await client.pause_deployment(one.id)
            stopped.add(one.name)
        for schedule in one.schedules:
            if schedule.active and (one.name, _told(schedule.schedule)) in before.schedules:
                await client.update_deployment_schedule(one.id, schedule.id, active=False)
                stopped.add(one.name)
    return sorted(stopped)


def _told(model: Any) -> str:
    return json.dumps(model.model_dump(mode="json"), sort_keys=True)


def deploy_all(project: Path = PROJECT) -> None:
    """Deploy everything that `prefect.yaml` describes, with its folder as the runs' folder.

    Raises:
        SetupError: Prefect refuses one.
    """
    done = subprocess.run(_DEPLOY, cwd=project, capture_output=True, text=True, check=False)  # noqa: S603 - our own words
    print(done.stdout, done.stderr, flush=True)
    if done.returncode:
        raise SetupError("prefect.yaml cannot be deployed; `prefect --no-prompt deploy --all` says why")


def automations_in(path: Path) -> list[AutomationCore]:
    """Read the automations of a file, in Prefect's own form; a file that is not there has none.

    Raises:
        SetupError: the file is not in that form.
    """
    if not path.is_file():
        return []
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        return [AutomationCore.model_validate(entry) for entry in document["automations"]]
    except (yaml.YAMLError, ValueError, KeyError, TypeError) as fault:
        raise SetupError(f"{path.name} is not in Prefect's form: {fault}") from fault


async def set_automations(client: PrefectClient, wanted: Iterable[AutomationCore]) -> None:
    """Create what is not there, change what differs, remove doubles of the same name.

    Args:
        client: of the server.
        wanted: the automations; one that is switched off on the server stays so.
    """
    for automation in wanted:
        standing = await client.read_automations_by_name(automation.name)
        for double in standing[1:]:
            await client.delete_automation(double.id)
        if not standing:
            await client.create_automation(automation)
            continue
        enabled = all(one.enabled for one in standing)
        if _content(standing[0]) != _content(automation) or standing[0].enabled != enabled:
            await client.update_automation(standing[0].id, automation.model_copy(update={"enabled": enabled}))


def _content(automation: AutomationCore) -> Any:
    """Give what an automation says, without what the server adds: identifiers, and whether it is switched on."""
    said = automation.model_dump_json(include=set(AutomationCore.model_fields) - {"enabled", "owner_resource"})
    return json.loads(said, object_hook=lambda node: {name: value for name, value in node.items() if name != "id"})


async def set_up(*, deploy: bool, mend: bool) -> dict[str, list[str]]:
    """Bring to the server that the variables name what it must know, and see to what a killed worker left.

    Args:
        deploy: work pool, deployments and automations.
        mend: flow runs without a process; only before a worker starts.

    Returns:
        Names: ``deployments``, ``paused`` among them, ``automations``, and ``mended`` flow runs.

    Raises:
        SetupError: the server cannot be reached or does not take them.
    """
    wanted = automations_in(AUTOMATIONS)
    found: dict[str, list[str]] = {}
    async with get_client() as client:
        await wait_for_api(client)
        if deploy:
            found |= await _deploy(client, wanted)
        if mend:
            found["mended"] = await mend_dead_runs(client, POOL)
    return found


async def _deploy(client: PrefectClient, wanted: list[AutomationCore]) -> dict[str, list[str]]:
    await make_work_pool(client)
    before = pauses_of(await client.read_deployments())
    deploy_all()
    paused = await keep_pauses(client, before)
    await set_automations(client, wanted)
    deployments = sorted(one.name for one in await client.read_deployments())
    return {"deployments": deployments, "paused": paused, "automations": [one.name for one in wanted]}


def main() -> int:
    """Set up; the words `deploy` and `mend` say what. The last line of standard output is JSON: what there is now."""
    try:
        found = asyncio.run(set_up(deploy="deploy" in sys.argv, mend="mend" in sys.argv))
    except SetupError as fault:
        print(fault, file=sys.stderr)
        return 1
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
