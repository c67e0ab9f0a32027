"""The image and what deploys it: Dockerfile, Compose, Kubernetes and the GitHub Action.

`.ci/run extended` builds the image and runs it, in a bare root file system. Here it is read as that script reads it.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
import yaml

from fakeflowdock.cli.serve import serve_command
from tests.support.processes import CLEAN, ready, running

pytestmark = pytest.mark.newest_only

ROOT = Path(__file__).parent.parent.parent
DEPLOY = ROOT / "docs/deploy"
VARIABLES = {option.envvar for option in serve_command.options}


def builder() -> Any:
    """The script that builds the image without Docker."""
    spec = importlib.util.spec_from_file_location("image", ROOT / ".ci/image.py")
    assert spec is not None
    assert spec.loader is not None
    sys.modules["image"] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


IMAGE = builder()
STAGES: dict[str, Any] = IMAGE.stages_of((ROOT / "Dockerfile").read_text("utf-8"))
LAST = STAGES["image"]
CONTEXT = {str(path) for path in IMAGE.context_of((ROOT / ".dockerignore").read_text("utf-8"))}


# The image


def test_the_script_knows_each_instruction_and_refuses_others() -> None:
    assert [stage.base for stage in STAGES.values()] == ["python:3.13-slim"] * 2
    assert {name for stage in STAGES.values() for name, *_ in stage.steps} == {"RUN", "COPY"}
    with pytest.raises(ValueError, match="does not know ONBUILD"):
        IMAGE.stages_of("FROM a\nONBUILD RUN x")


def test_the_image_runs_as_a_user_who_is_not_root_and_stops_at_a_signal_of_the_server() -> None:
    user, group = LAST.last["USER"].split(":")
    assert user == group
    assert int(user) >= 10_000
    assert LAST.last["STOPSIGNAL"] == signal.SIGTERM.name
    assert json.loads(LAST.last["ENTRYPOINT"]) == ["fakeflowdock"]


def test_the_variables_of_the_image_are_options() -> None:
    own = {name for name in LAST.environ if name.startswith("FAKEFLOWDOCK_")}
    assert own <= VARIABLES
    assert LAST.environ["FAKEFLOWDOCK_PORT"] == LAST.last["EXPOSE"]


def test_the_build_is_sent_what_the_wheel_is_made_of_and_no_more() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    folders = [*wheel["only-include"], *wheel["force-include"]]
    tracked = subprocess.run(["git", "ls-files", *folders], cwd=ROOT, capture_output=True, text=True, timeout=300)
    if tracked.returncode or not tracked.stdout:
        pytest.skip("this is no checkout of git")
    needed = {*tracked.stdout.splitlines(), "pyproject.toml", "README.md", "LICENSE", "docs/deploy/healthy.py"}
    assert needed <= CONTEXT
    assert not [name for name in CONTEXT if name.startswith(("tests/", ".", "build/", "benchmarks/"))]


@pytest.mark.parametrize("options", [(), ("--tls",)], ids=["http", "https"])
def test_the_health_check_of_the_image_tells_whether_the_server_answers(options: tuple[str, ...]) -> None:
    program, script = json.loads(LAST.last["HEALTHCHECK"].partition("CMD ")[2])
    copied = [rest for name, rest, _ in LAST.steps if name == "COPY" and rest.endswith(f" {script}")]
    assert program == "python"
    assert copied == [f"docs/deploy/healthy.py {script}"]
    command = [sys.executable, str(DEPLOY / "healthy.py")]
    with running("--port", "0", "--json", *options) as (_, said):
        environ = {**CLEAN, "FAKEFLOWDOCK_PORT": str(urlsplit(ready(said)["url"]).port)}
        subprocess.run(command, env=environ, check=True, timeout=300)
    done = subprocess.run(command, env=environ, capture_output=True, timeout=300)
    assert done.returncode == 1


# Compose and Kubernetes


def composed() -> dict[str, Any]:
    service: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))["services"]["fakeflowdock"]
    return service


def manifests() -> dict[str, dict[str, Any]]:
    found = yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text("utf-8"))
    return {each["kind"]: each for each in found}


def pod() -> dict[str, Any]:
    found: dict[str, Any] = manifests()["Deployment"]["spec"]["template"]
    return found


def variables_of_the_pod() -> dict[str, str]:
    [container] = pod()["spec"]["containers"]
    return {each["name"]: each.get("value", "long-enough") for each in container["env"]}


@pytest.mark.parametrize("given", [composed()["environment"], variables_of_the_pod()], ids=["compose", "kubernetes"])
def test_the_server_runs_with_the_variables_and_saves_its_world(given: dict[str, str], tmp_path: Path) -> None:
    assert set(given) <= VARIABLES
    assert all(isinstance(value, str) for value in given.values())
    own = {name: value for name, value in LAST.environ.items() if name.startswith("FAKEFLOWDOCK_")}
    here = {"FAKEFLOWDOCK_PORT": "0", "FAKEFLOWDOCK_STATE": str(tmp_path / "world.json")}
    with running(**{**own, **given, **here, "FAKEFLOWDOCK_ADMIN_TOKEN": "long-enough"}) as (process, said):
        line = ready(said)
        reply = requests.get(f"{line['url']}/user", auth=(line["api_token"], ""), timeout=30)
        process.terminate()
        assert (reply.status_code, process.wait(60)) == (200, 0)
    assert (tmp_path / "world.json").exists()


def test_compose_builds_the_image_and_publishes_its_port() -> None:
    service = composed()
    assert (DEPLOY / service["build"] / "Dockerfile").resolve() == ROOT / "Dockerfile"
    port = LAST.last["EXPOSE"]
    assert service["ports"] == [f"127.0.0.1:{port}:{port}"]
    assert service["volumes"] == [f"state:{Path(service['environment']['FAKEFLOWDOCK_STATE']).parent}"]
    assert service["read_only"] is True


def test_the_pod_is_the_image() -> None:
    spec = pod()["spec"]
    [container] = spec["containers"]
    user, group = map(int, LAST.last["USER"].split(":"))
    context = spec["securityContext"]
    assert (context["runAsUser"], context["runAsGroup"], context["fsGroup"]) == (user, group, group)
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert [each["containerPort"] for each in container["ports"]] == [int(LAST.last["EXPOSE"])]
    assert [each["mountPath"] for each in container["volumeMounts"]] == [LAST.last["WORKDIR"]]
    assert [each["name"] for each in spec["volumes"]] == [each["name"] for each in container["volumeMounts"]]
    assert spec["enableServiceLinks"] is False  # a service of this name sets FAKEFLOWDOCK_PORT to a URL


def test_the_probes_and_the_address_of_metrics_are_answered() -> None:
    [container] = pod()["spec"]["containers"]
    notes = pod()["metadata"]["annotations"]
    probes = [container[f"{name}Probe"]["httpGet"] for name in ("startup", "readiness", "liveness")]
    assert {each["port"] for each in probes} == {container["ports"][0]["name"]}
    assert notes["prometheus.io/port"] == LAST.last["EXPOSE"]
    with running("--port", "0", "--json", "--host", "0.0.0.0") as (_, said):
        url = ready(said)["url"]
        for path in (*(each["path"] for each in probes), notes["prometheus.io/path"]):
            assert requests.get(url + path, timeout=30).status_code == 200, path


def test_the_service_leads_to_the_pod() -> None:
    service, deployment = manifests()["Service"], manifests()["Deployment"]
    assert service["spec"]["selector"] == deployment["spec"]["selector"]["matchLabels"] == pod()["metadata"]["labels"]
    assert [each["targetPort"] for each in service["spec"]["ports"]] == ["http"]


# The GitHub Action


@pytest.fixture
def action(tmp_path: Path) -> dict[str, str]:
    """The environment of the action's step."""
    for name in ("output", "env"):
        (tmp_path / name).touch()
    given = {"GITHUB_OUTPUT": str(tmp_path / "output"), "GITHUB_ENV": str(tmp_path / "env")}
    given |= {"RUNNER_TEMP": str(tmp_path), "GITHUB_ACTION_PATH": str(ROOT), "PORT": "0"}
    return {**CLEAN, **given, "PROGRAM": str(Path(sys.executable).parent / "fakeflowdock")}


def started(script: list[str], action: dict[str, str], options: str) -> subprocess.CompletedProcess[str]:
    environ = {**action, "OPTIONS": options}
    return subprocess.run(script, env=environ, capture_output=True, timeout=300, text=True)


def values(file: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in Path(file).read_text("utf-8").splitlines())


def test_the_action_starts_a_server_for_the_steps_that_follow(action: dict[str, str]) -> None:
    read = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
    [step] = read["runs"]["steps"]
    assert set(step["env"]) == {"PORT", "OPTIONS", "PYTHON"}
    script = shlex.split(step["run"].replace("$GITHUB_ACTION_PATH", str(ROOT)))
    done = subprocess.run(
        script, env={**action, "OPTIONS": "--world empty"}, capture_output=True, timeout=300, text=True
    )
    assert done.returncode == 0, done.stderr
    outputs, variables = values(action["GITHUB_OUTPUT"]), values(action["GITHUB_ENV"])
    line = json.loads(Path(outputs["ready"]).read_text("utf-8"))
    try:
        named = {name: re.search(r"outputs\.(\w+)", each["value"]) for name, each in read["outputs"].items()}
        assert {name: found and found[1] for name, found in named.items()} == {name: name for name in outputs}
        url = variables["FLOWDOCK_API_URL"]
        assert url == outputs["url"]
        auth = (variables["FAKEFLOWDOCK_API_TOKEN"], "")
        assert requests.get(f"{url}/sources", auth=auth, timeout=30).json() == []
        assert "GET /sources" in Path(outputs["log"]).read_text("utf-8")
    finally:
        os.kill(line["pid"], signal.SIGTERM)


def test_the_action_fails_with_what_the_server_says(action: dict[str, str]) -> None:
    script = ["bash", str(DEPLOY / "action.sh")]
    done = subprocess.run(
        script, env={**action, "OPTIONS": "--wolrd empty"}, capture_output=True, timeout=300, text=True
    )
    assert done.returncode == 1
    assert "unknown option '--wolrd'" in done.stderr
