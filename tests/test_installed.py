"""What do you get when you install the wheel? It is built here and installed into otherwise empty environments.

The versions are the locked ones; what an extra brings and what the light core does without is as pyproject.toml says.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from azaward import __version__
from azaward.extras import EXTRAS

ROOT = Path(__file__).parents[1]
CLINIC = ROOT / "examples" / "clinic"
AS_OF = "2026-11-23"
PEOPLE = Path("a folder of Parquet")
Azaward = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    uv("build", "--wheel", "--out-dir", str(folder), "--require-hashes")
    [built] = folder.glob("azaward-*.whl")
    return built


@pytest.fixture(scope="module")
def light(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Azaward:
    """The program without any extra."""
    return program(installed(f"azaward @ {wheel.as_uri()}", tmp_path_factory.mktemp("light")))


@pytest.fixture(scope="module")
def with_pages(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the programs of an environment with the pages."""
    return installed(f"azaward[web] @ {wheel.as_uri()}", tmp_path_factory.mktemp("web"))


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("people")
    words = [sys.executable, "-m", "azaward", "cohort", "synthesise", "--patients", "5", "--out", folder]
    subprocess.run(words, check=True, capture_output=True)
    return folder


def uv(*words: str) -> None:
    program = shutil.which("uv", path=str(Path(sys.executable).parent))
    assert program, "uv is missing: make test installs it"
    held = ["--build-constraints", "requirements/build.txt"]
    done = subprocess.run([program, *words, *held], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def installed(what: str, folder: Path) -> Path:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "env"], check=True)
    held = ["--constraints", "requirements/run.txt", "--excludes", "requirements/excludes.txt"]
    uv("pip", "install", "--python", str(folder / "env"), *held, what)
    return folder / "env" / "bin"


def bare(home: Path) -> dict[str, str]:
    """Nothing of this environment but where Debian's programs are."""
    return {"HOME": str(home), "PATH": os.defpath, "LANG": "C.UTF-8"}


def program(bin: Path) -> Azaward:
    def azaward(*words: str | Path) -> subprocess.CompletedProcess[str]:
        command = [bin / "azaward", *words]
        return subprocess.run(command, cwd=bin, env=bare(bin), capture_output=True, text=True, check=False)

    return azaward


def test_the_light_core_says_which_version_it_is(light: Azaward) -> None:
    assert light("--version").stdout == f"azaward {__version__}\n"


def test_the_light_core_assesses_a_clinic_as_the_whole_does(light: Azaward) -> None:
    words = ("assess", str(CLINIC), "--as-of", AS_OF, "--format", "json")
    whole = subprocess.run([sys.executable, "-m", "azaward", *words], capture_output=True, text=True, check=True)
    assert json.loads(light(*words).stdout) == json.loads(whole.stdout)


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (("assess", CLINIC, "--as-of", AS_OF, "--format", "html"), "<svg viewBox="),
        (("genotype", ROOT / "examples" / "genotype" / "one.vcf", "--weight", "70"), "TPMT"),
        (("genotype", "--report", "TPMT *1/*3A; NUDT15 normal"), "Intermediate"),
        (("check", "Zyloric 300mg tabs"), "allopurinol"),
        (("advise", "fever", "--temperature", "38.5"), "38.5"),
        (("guides", "show", "gene-test"), "TPMT"),
        (("guides", "search", "forgot my pill"), "missed"),
        (("knowledge", "check"), "sources"),
    ],
)
def test_the_light_core_has_its_commands(light: Azaward, words: tuple[str | Path, ...], answer: str) -> None:
    done = light(*words)
    assert done.returncode == 0, done.stderr
    assert answer.casefold() in done.stdout.casefold()


@pytest.mark.parametrize(
    ("words", "extra"),
    [
        (("guides", "show", "gene-test", "--format", "pdf"), "paper"),
        (("genotype", ROOT / "examples" / "genotype" / "one.vcf", "--format", "pdf"), "paper"),
        (("serve", "--demo"), "web"),
        (("import", CLINIC), "web"),
        (("backup", "kept.zip"), "web"),
        (("assess", PEOPLE), "cohort"),
        (("cohort", "assess", PEOPLE, "--out", "found.parquet"), "cohort"),
        (("cohort", "quality", PEOPLE), "cohort"),
        (("cohort", "sweep", PEOPLE, "--protocol", "bsr-2017,bsg-2019"), "cohort"),
        (("cohort", "quality", ROOT / "examples" / "omop", "--from", "omop"), "cohort"),
        (("cohort", "assess", "s3a://people", "--out", "s3a://found.parquet", "--engine", "spark"), "spark"),
        (("cohort", "synthesise", "--patients", "5", "--out", "people"), "cohort"),
    ],
)
def test_what_needs_an_extra_says_which_in_one_line(
    light: Azaward, people: Path, words: tuple[str | Path, ...], extra: str
) -> None:
    done = light(*(people if word is PEOPLE else word for word in words))
    assert done.returncode == 1
    assert done.stdout == ""
    assert re.fullmatch(rf"azaward: .*pip install 'azaward\[{extra}\]'.*\n", done.stderr)


def test_what_is_locked_is_what_runs() -> None:
    """These tests run on the versions that requirements/ holds, and each of those has its hashes."""
    here = {canonical(one.metadata["Name"]): one.version for one in importlib.metadata.distributions()}
    locked = {}
    for group in ("run", "spark", "test", "docs"):
        text = (ROOT / "requirements" / f"{group}.txt").read_text(encoding="utf-8")
        entries = re.findall(r"^([\w.-]+)==(\S+)(.*(?:\n    .*)*)", text, flags=re.M)
        assert len(entries) == len(re.findall(r"^\w", text, flags=re.M))
        for name, version, rest in entries:
            assert "--hash=sha256:" in rest, name
            if ";" not in rest.splitlines()[0]:
                assert locked.setdefault(name, version) == version, (group, name)
        assert "://" not in text
    assert {name: here.get(canonical(name)) for name in locked} == locked


def test_every_library_of_an_extra_is_known_to_come_with_it() -> None:
    modules: dict[str, set[str]] = {}
    for module, names in importlib.metadata.packages_distributions().items():
        for name in names:
            modules.setdefault(canonical(name), set()).add(module)
    asked: dict[str, set[str]] = {}
    for one in importlib.metadata.requires("azaward") or []:
        if found := re.fullmatch(r"""([\w.-]+)[^;]*; extra == ['"](\w+)['"]""", one):
            asked.setdefault(canonical(found[1]), set()).add(found[2])
    assert set().union(*asked.values()) == EXTRAS.keys()
    # Ibis itself is part of the core.
    del asked["ibis-framework"]
    for name, extras in asked.items():
        assert any(modules[name] & set(EXTRAS[extra]) for extra in extras), name


def test_without_root_it_is_said_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "id").write_text("#!/bin/sh\necho 1000\n", encoding="utf-8")
    (tmp_path / "id").chmod(0o755)
    command = ["sh", ROOT / "scripts" / "install_debian.sh", "sh=dash", "no-such-program=a-package", "=another"]
    path = {"PATH": f"{tmp_path}:{os.defpath}"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=path)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == (
        "azaward needs these Debian packages: a-package another. "
        "As root, run: apt-get install a-package another. Then try again.\n"
    )


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).casefold()


@pytest.fixture(scope="module")
def pages(with_pages: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """The example clinic's pages, from the wheel alone, with the nurse signed in."""
    command = [with_pages / "azaward", "serve", "--demo", "--port", "0"]
    home = tmp_path_factory.mktemp("home")
    server = subprocess.Popen(command, cwd=home, env=bare(home), stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    said = [server.stdout.readline() for _ in range(3)]
    address = re.search(r"http://\S+", said[0])
    password = re.search(r"The password for each is: (\S+)", said[1])
    assert address is not None
    assert password is not None
    with httpx.Client(base_url=address[0], follow_redirects=True, timeout=60) as client:
        form = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', client.get("/sign-in").text))
        assert client.post("/sign-in", data={**form, "login": "nurse", "password": password[1]}).status_code == 200
        yield client
    server.send_signal(signal.SIGINT)
    assert server.wait(timeout=20) == 0


@pytest.mark.parametrize(
    ("page", "shows"),
    [
        ("/", "azathioprine"),
        ("/guides/gene-test", "TPMT"),
        ("/check", "medicine"),
        ("/advise", "fever"),
        ("/worklist", "c019"),
        ("/patients/c019", "neutrophil"),
        ("/recall", "letter"),
    ],
)
def test_the_wheel_with_its_pages_shows_them(pages: httpx.Client, page: str, shows: str) -> None:
    answered = pages.get(page)
    assert answered.status_code == 200
    assert shows.casefold() in answered.text.casefold()


def test_the_wheel_with_its_pages_checks_a_medicine(pages: httpx.Client) -> None:
    form = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', pages.get("/check").text))
    assert "allopurinol" in pages.post("/check", data={**form, "medicines": "Zyloric"}).text.casefold()


def test_the_wheel_brings_htmx(pages: httpx.Client) -> None:
    [script] = re.findall(r'<script src="([^"]*htmx[^"]*)"', pages.get("/worklist").text)
    assert "htmx" in pages.get(script).text


def test_the_wheel_with_its_pages_prints(pages: httpx.Client) -> None:
    assert pages.get("/guides/gene-test.pdf").content.startswith(b"%PDF-")


def test_the_wheel_with_its_pages_works_out_the_clinics_figures(pages: httpx.Client) -> None:
    wanted = {"accept": "application/json"}
    until = time.monotonic() + 120
    while not (found := pages.get("/quality", headers=wanted).json())["figures"]:
        assert time.monotonic() < until, found
        assert not found["progress"]["failed"], found
        time.sleep(0.2)
    assert found["figures"]
