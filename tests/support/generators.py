"""Generators of clients: how each is called, and what compiles what it makes. The guide's table is made of them.

python -m tests.support.generators    print the table of docs/guide/contract.md
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
DOCUMENTS = {"flowdock": ROOT / "schemas/openapi.json", "admin": ROOT / "schemas/admin/openapi.json"}
INSTALLED = Path(os.environ.get("FAKEFLOWDOCK_GENERATORS", "/nonexistent"))  # what `.ci/generators.sh FOLDER` installed
LIMIT = 3600  # seconds that a command may take: a hundred times what one takes, for busy machines

JARS = ("httpmime", "geronimo-annotation-1.3-spec")  # Jackson is in the generator's own
TSC = "tsc --strict --noEmit --target es2022 --module nodenext --types node"
LOAD = "require 'openapi_client'; OpenapiClient.constants.each { |name| OpenapiClient.const_get(name) }"


@dataclass(frozen=True)
class Generator:
    """A generator, for one language.

    Attributes:
        command: as a user calls it, but for the document and the folder of the client.
        compiled_with: what compiles the client, or "" where no registry has compiler and libraries.
        compilers: the commands that do so, in the folder of the client; `FILES` stands for all files of the language.
        ending: of the files of the language.
        why_not: what is missing.
        needs: paths of Debian's packages.
    """

    command: str
    compiled_with: str = ""
    compilers: tuple[str, ...] = ()
    ending: str = ""
    why_not: str = ""
    needs: tuple[str, ...] = ()


GENERATORS = {
    "openapi-typescript": Generator(
        "openapi-typescript",
        compiled_with="`tsc --strict`",
        compilers=(f"{TSC} FILES",),
        ending=".ts",
    ),
    "openapi-python-client": Generator(
        "openapi-python-client generate",
        compiled_with="`mypy --strict`",
        compilers=("mypy --strict .",),
        ending=".py",
    ),
    "typescript-fetch": Generator(
        "openapi-generator-cli generate -g typescript-fetch",
        compiled_with="`tsc --strict`",
        compilers=(f"{TSC} FILES",),
        ending=".ts",
    ),
    "go": Generator(
        "openapi-generator-cli generate -g go",
        compiled_with="`go build` and `go vet`",
        compilers=("go build .", "go vet ."),
        ending=".go",
        needs=("/usr/share/gocode/src/golang.org/x/oauth2", "/usr/share/gocode/src/gopkg.in/validator.v2"),
    ),
    "ruby": Generator(
        "openapi-generator-cli generate -g ruby",
        compiled_with="`ruby -c`, and loaded with Typhoeus",
        compilers=("ruby -c FILES", f'ruby -I lib -e "{LOAD}"'),
        ending=".rb",
        needs=("/usr/share/doc/ruby-typhoeus",),
    ),
    "java": Generator(
        "openapi-generator-cli generate -g java --library native --additional-properties=openApiNullable=false",
        compiled_with="`javac` with Jackson and HttpMime",
        compilers=("javac -nowarn -d classes -cp JARS FILES",),
        ending=".java",
        needs=tuple(f"/usr/share/java/{jar}.jar" for jar in JARS),
    ),
    "java-okhttp": Generator(
        "openapi-generator-cli generate -g java",
        why_not="OkHttp 4 and Gson Fire are in no package of Debian, PyPI or npm",
    ),
    "csharp": Generator(
        "openapi-generator-cli generate -g csharp",
        why_not="there is no .NET in Debian, PyPI or npm",
    ),
}


def missing(generator: Generator) -> str:
    """Return what a generator lacks on this machine, or an empty string."""
    if not INSTALLED.is_dir():
        return "FAKEFLOWDOCK_GENERATORS names no folder of .ci/generators.sh"
    programs = ["java", *(compiler.split()[0] for compiler in generator.compilers)]
    lacking = [name for name in programs if shutil.which(name, path=environ()["PATH"]) is None]
    return ", ".join([*lacking, *(path for path in generator.needs if not Path(path).exists())])


def environ() -> dict[str, str]:
    """The environment of generators and compilers."""
    first = (INSTALLED / "python/bin", INSTALLED / "node/node_modules/.bin", os.environ["PATH"])
    go = {"GO111MODULE": "off", "GOPATH": "/usr/share/gocode", "GOFLAGS": "", "GOCACHE": str(INSTALLED / "go")}
    return {**os.environ, **go, "PATH": os.pathsep.join(map(str, first))}


def run(command: list[str], folder: Path, **more: str) -> str:
    """Run a command there. Return what it printed, which an error shows."""
    done = subprocess.run(
        command,
        cwd=folder,
        env={**environ(), **more},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
        timeout=LIMIT,
    )
    assert done.returncode == 0, f"{' '.join(command)[:300]}\n{done.stdout[-6000:]}"
    return done.stdout


def generate(name: str, document: Path, folder: Path) -> Path:
    """Make a client in a new folder inside this one. Return the new folder."""
    made = folder / name
    generator = GENERATORS[name]
    command = generator.command.split()
    if name == "openapi-typescript":
        made.mkdir()
        told = run([*command, str(document), "-o", str(made / "client.ts")], folder)
    elif name == "openapi-python-client":
        told = run([*command, "--path", str(document), "--output-path", str(made)], folder)
        assert "WARNING" not in told, told  # of what it leaves out
    else:
        told = run([*command, "-i", str(document), "-o", str(made)], folder)
    return made


def compile_all(name: str, made: Path) -> None:
    """Compile all that a generator made, with warnings as far as the compiler has any."""
    generator = GENERATORS[name]
    for folder in ("test", "spec", "src/test"):  # what these need besides is in no package
        shutil.rmtree(made / folder, ignore_errors=True)
    files = sorted(str(path) for path in made.rglob(f"*{generator.ending}"))
    assert files
    if name.endswith(("typescript", "fetch")):
        (made / "node_modules").symlink_to(INSTALLED / "node/node_modules")
    jar = next(INSTALLED.glob("python/lib/*/site-packages/openapi_generator_cli/*.jar"))
    jars = os.pathsep.join([str(jar), *(f"/usr/share/java/{each}.jar" for each in JARS)])
    for compiler in generator.compilers:
        words: list[str] = []
        program, _, quoted = compiler.partition(' "')
        for word in program.split():
            words += files if word == "FILES" else [jars if word == "JARS" else word]
        run([*words, *([quoted.removesuffix('"')] if quoted else [])], made)


def table() -> str:
    """Return the table of the guide."""
    rows = [
        f"| `{each.command}` | {each.compiled_with or f'not compiled by our tests: {each.why_not}'} |"
        for each in GENERATORS.values()
    ]
    return "\n".join(["| generator | the client compiles with |", "| --- | --- |", *rows]) + "\n"


if __name__ == "__main__":
    sys.stdout.write(table())
