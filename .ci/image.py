"""Build the image of the Dockerfile without Docker, and run it: `python3 .ci/image.py FOLDER`, as root.

Each instruction is executed in a bare root file system of Debian, which has the Python that `FROM` names. The server
then runs as the image says: as its user, with its environment, in a root file system that is read-only, without
capabilities. FOLDER keeps the bare system for the next time.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import IO, Any
from urllib.request import Request, urlopen

ROOT = Path(__file__).resolve().parent.parent
MIRROR = "http://deb.debian.org/debian"
SUITES = {"3.13": "trixie"}  # the Debian that has a Python
PACKAGES = "python3,python3-venv,ca-certificates"
LIMIT = 300  # seconds of anything that is started
# What pip needs on this machine, and no image has.
PIP = {name: value for name, value in os.environ.items() if name.startswith("PIP_") or name.lower().endswith("_proxy")}


@dataclass
class Stage:
    """What one `FROM` begins.

    Attributes:
        base: the image that it begins with.
        steps: the instructions that change files, each with its arguments, and the environment that it has.
        last: the arguments of the instructions that say how it runs, by name.
    """

    base: str
    steps: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    environ: dict[str, str] = field(default_factory=dict)
    last: dict[str, str] = field(default_factory=dict)


def stages_of(dockerfile: str) -> dict[str, Stage]:
    """Return the stages of a Dockerfile by their names; that of the image is the last. Raises ValueError."""
    stages: dict[str, Stage] = {}
    for line in filter(None, map(str.strip, dockerfile.splitlines())):
        if line.startswith("#"):
            continue
        name, _, rest = line.partition(" ")
        if name == "FROM":
            base, _, alias = rest.partition(" AS ")
            stage = stages[alias or "image"] = Stage(base)
        elif name in ("RUN", "COPY"):
            stage.steps.append((name, rest, dict(stage.environ)))
        elif name == "ENV":
            stage.environ |= dict(pair.split("=", 1) for pair in shlex.split(rest))
        elif name in ("USER", "WORKDIR", "EXPOSE", "STOPSIGNAL", "ENTRYPOINT", "CMD", "HEALTHCHECK"):
            stage.last[name] = rest
        else:
            raise ValueError(f"this script does not know {name}")
    return stages


def context_of(ignore: str, root: Path = ROOT) -> list[Path]:
    """Return the files that a `.dockerignore` sends to the build, of those that git knows. The last rule decides.

    A copy without git is taken as it is, without caches and what begins with a dot.
    """
    rules = [line for line in map(str.strip, ignore.splitlines()) if line and not line.startswith("#")]
    if (root / ".git").exists():
        listed = ["git", "ls-files"]
    else:
        listed = [
            "find",
            ".",
            "-type",
            "f",
            "-not",
            "-path",
            "*/.*",
            "-not",
            "-path",
            "*/__pycache__/*",
            "-printf",
            "%P\\n",
        ]
    known = subprocess.run(listed, cwd=root, capture_output=True, text=True, check=True, timeout=LIMIT).stdout
    return [Path(name) for name in known.splitlines() if _is_sent(name, rules)]


def _is_sent(name: str, rules: list[str]) -> bool:
    sent = True
    for rule in rules:
        pattern = rule.lstrip("!").removeprefix("**/")
        parts = name.split("/")
        places = ["/".join(parts[:end]) for end in range(1, len(parts) + 1)]
        places += parts if "**/" in rule else []
        if any(fnmatch(place, pattern) for place in places):
            sent = rule.startswith("!")
    return sent


class Image:
    """The image while it is built, and when it runs.

    Args:
        folder: where everything is kept.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stages = stages_of((ROOT / "Dockerfile").read_text("utf-8"))
        self._context = context_of((ROOT / ".dockerignore").read_text("utf-8"))
        self.stage = [*self._stages.values()][-1]
        self.root = self._root_of([*self._stages][-1])

    def _root_of(self, stage: str) -> Path:
        return self._folder / f"root-{stage}"

    def build(self) -> None:
        """Execute all instructions."""
        for name, stage in self._stages.items():
            root = self._root_of(name)
            shutil.rmtree(root, ignore_errors=True)
            run("cp", "-a", "--reflink=auto", str(self._base(stage.base)), str(root))
            for instruction, rest, environ in stage.steps:
                print(f"{name}: {instruction} {rest}", flush=True)
                if instruction == "COPY":
                    self._copy(root, rest)
                else:
                    self._run(root, rest, environ)

    def _base(self, image: str) -> Path:
        """Return a bare root file system with the Python of an image `python:…-slim`."""
        version = image.removeprefix("python:").removesuffix("-slim")
        base = self._folder / f"base-{version}"
        if not (base / "complete").exists():
            shutil.rmtree(base, ignore_errors=True)
            options = ("--variant=minbase", f"--include={PACKAGES}")
            run("debootstrap", *options, SUITES[version], str(base), MIRROR, stdout=subprocess.DEVNULL)
            (base / "usr/local/bin/python").symlink_to("/usr/bin/python3")
            (base / "complete").touch()
        return base

    def _copy(self, root: Path, rest: str) -> None:
        option, *words = rest.split()
        if option.startswith("--from="):
            source, target = words
            run("cp", "-a", f"{self._root_of(option.removeprefix('--from='))}{source}", f"{root}{target}")
            return
        source, target = option, words[0]
        inside = [path for path in self._context if source == "." or path.is_relative_to(source)]
        assert inside, f"COPY {rest}: .dockerignore leaves nothing of it"
        for path in inside:
            place = Path(f"{root}{target}") / path if source == "." else Path(f"{root}{target}")
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / path, place)

    def _run(self, root: Path, command: str, environ: dict[str, str]) -> None:
        for file in ("/etc/resolv.conf", "/etc/hosts", "/etc/ssl/certs/ca-certificates.crt"):
            if Path(file).exists():
                shutil.copy(file, f"{root}{file}")
        given = {"PATH": "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", **PIP, **environ}
        inside = 'mount -t proc proc "$0/proc" && exec chroot "$0" '
        inside += f"env -i {words(given)} /bin/sh -c {shlex.quote(command)}"
        run("unshare", "--mount", "--pid", "--fork", "sh", "-c", inside, str(root))

    def command(self, state: Path, command: list[str], **more: str) -> list[str]:
        """Return what runs a command in a container of the image.

        Args:
            state: the folder that is mounted at /state.
            command: the command.
            more: further variables.
        """
        user, group = self.stage.last["USER"].split(":")
        given = {**self.stage.environ, **more}
        drop = f"setpriv --reuid={user} --regid={group} --clear-groups --no-new-privs"
        drop += " --bounding-set=-all --inh-caps=-all"
        inside = f"""
            mount --bind "$0" "$0" && mount -t proc proc "$0/proc" && mount --bind "$1" "$0/state" &&
            mkdir -p "$0/dev/shm" && mount -t tmpfs -o size=64m tmpfs "$0/dev/shm" &&
            mount -o remount,bind,ro "$0" &&
            exec chroot "$0" {drop} env -i -C {self.stage.last["WORKDIR"]} {words(given)} {shlex.join(command)}
        """
        apart = ("unshare", "--mount", "--pid", "--fork", "--kill-child=KILL")
        return [*apart, "sh", "-c", inside, str(self.root), str(state)]


def words(environ: dict[str, str]) -> str:
    """Return variables as arguments of `env`."""
    return shlex.join(f"{name}={value}" for name, value in environ.items())


def run(*command: str, **more: Any) -> None:
    """Run a command, which must succeed."""
    subprocess.run(command, check=True, timeout=LIMIT * 4, **more)


def said(command: list[str]) -> tuple[int, str]:
    """Return the status and the output of a command."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT)
    return done.returncode, done.stdout


def free_port() -> str:
    """Return a free port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return str(listener.getsockname()[1])


def check(image: Image, folder: Path, *options: str, **environ: str) -> None:
    """Run the server of an image, request something, and stop it."""
    state = folder / "state"
    shutil.rmtree(state, ignore_errors=True)
    state.mkdir()
    user, group = map(int, image.stage.last["USER"].split(":"))
    os.chown(state, user, group)
    environ = {"FAKEFLOWDOCK_PORT": free_port(), "FAKEFLOWDOCK_ADMIN_TOKEN": "long-enough", **environ}
    entry = json.loads(image.stage.last["ENTRYPOINT"])
    health = json.loads(image.stage.last["HEALTHCHECK"].partition("CMD ")[2])
    command = image.command(state, [*entry, *options], **environ)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            ready = json.loads(_line(server))
            context = None
            if "ca_file" in ready:
                inside = f"/proc/{_first_of(server.pid)}/root"  # the file system of the container
                context = ssl.create_default_context(cadata=Path(inside + ready["ca_file"]).read_text("ascii"))
            headers = {"Authorization": f"Bearer {ready['access_token']}"}
            with urlopen(Request(f"{ready['url']}/flows", headers=headers), timeout=30, context=context) as answer:
                assert answer.status == 200
            run(*image.command(state, health, **environ))
            for path, status in (("/x", 1), ("/opt/fakeflowdock/x", 1), ("/tmp/x", 1), ("/state/x", 0)):
                assert said(image.command(state, ["touch", path]))[0] == status, path
            assert said(image.command(state, ["id", "-u"])) == (0, f"{user}\n")
            assert said(image.command(state, ["python", "-c", "import redis, hiredis"])) == (0, "")  # for --store
            os.kill(_first_of(server.pid), signal.Signals[image.stage.last["STOPSIGNAL"]])
            assert server.wait(LIMIT) == 0, server.returncode
        finally:
            server.kill()
    print("it ran with", *options, *environ, "and left", *sorted(path.name for path in state.iterdir()), flush=True)
    assert ("FAKEFLOWDOCK_STATE" in environ) == (state / "world.json").exists()


def _line(server: subprocess.Popen[str]) -> str:
    stdout: IO[str] | None = server.stdout
    assert stdout is not None
    return stdout.readline()


def _first_of(unshare: int) -> int:
    """Return the first process of a container, by the outer one."""
    children = Path(f"/proc/{unshare}/task/{unshare}/children")
    for _ in range(LIMIT * 10):
        if found := children.read_text("ascii").split():
            return int(found[0])
        time.sleep(0.1)
    raise TimeoutError


def main(folder: Path) -> None:
    """Build the image, and run it as the docs say."""
    folder.mkdir(parents=True, exist_ok=True)
    image = Image(folder)
    image.build()
    check(image, folder)
    check(image, folder, "--tls")
    saving = {"FAKEFLOWDOCK_STATE": "/state/world.json", "FAKEFLOWDOCK_SAVE_ON_EXIT": "true"}
    check(image, folder, "--tls", FAKEFLOWDOCK_WRITE_CA="/state/ca.pem", **saving)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
