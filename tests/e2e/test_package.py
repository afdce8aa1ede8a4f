"""What is deployed: it is whole, there is nothing else in it, and it runs with its own requirements alone."""

import json
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
import uv
from pathspec import GitIgnoreSpec

from tests.integration.functions_host.host_kit import Child

ROOT = Path(__file__).parents[2]
PACKAGES = set(tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["root_packages"]) - {
    "local"
}
SAMPLE: dict[str, str] = json.loads((ROOT / "local.settings.sample.json").read_text())["Values"]
SETTINGS = SAMPLE | {
    "REELAY_CREATE_STORAGE": "false",
    "REELAY_BLOB_ENDPOINT": "http://127.0.0.1:9/account",  # nobody is there
    "REELAY_TABLE_ENDPOINT": "http://127.0.0.1:9/account",
    "REELAY_SWEEP_SCHEDULE": "0 0 0 1 1 *",
}
IMPORT_ALL = "import sys; [__import__(name) for name in sys.argv[1:]]"

type Ignores = Callable[[str], object]
type Reader = Callable[[list[str]], Ignores]


def as_azd_reads(patterns: list[str]) -> Ignores:
    """As git would."""
    return GitIgnoreSpec.from_lines(patterns).match_file


def as_core_tools_read(patterns: list[str]) -> Ignores:
    """One regular expression for the start of a path, in which `*` is at least one character and a slash is a slash.

    https://github.com/Azure/azure-functions-core-tools/blob/main/src/Cli/func/Common/GitIgnoreParser.cs
    """
    stars = ((re.escape("**"), ".+"), (re.escape("*"), "[^/]+"))
    starts = [re.escape(line) for line in patterns if not line.startswith("#")]
    for written, meant in stars:
        starts = [start.replace(written, meant) for start in starts]
    return re.compile(rf"(?:{'|'.join(starts)})\b").match


def deployed_files(root: Path, read: Reader = as_azd_reads) -> Iterator[Path]:
    """What `azd deploy`, or `func azure functionapp publish`, puts into its zip."""
    ignores = read((root / ".funcignore").read_text().splitlines())
    for folder, folders, files in root.walk():
        inside = folder.relative_to(root)
        folders[:] = [name for name in folders if not ignores(f"{inside / name}/")]
        yield from (inside / name for name in files if not ignores(str(inside / name)))


def modules(package: Path) -> list[str]:
    return [".".join(path.relative_to(package).with_suffix("").parts) for path in sorted(package.rglob("*.py"))]


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of all that is deployed."""
    folder = tmp_path_factory.mktemp("package")
    for file in deployed_files(ROOT):
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / file, folder / file)
    return folder


@pytest.fixture(scope="module")
def its_python(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python that has what the package requires, and nothing of ours."""
    venv = tmp_path_factory.mktemp("venv")
    python = venv / "bin/python"
    subprocess.run([uv.find_uv_bin(), "venv", "-q", "--clear", "--python", sys.executable, venv], check=True)
    install = [uv.find_uv_bin(), "pip", "install", "-q", "--python", python, "-r", package / "requirements.txt"]
    subprocess.run(install, check=True)
    return python


def test_the_package_holds_what_runs_and_nothing_else(package: Path) -> None:
    assert {path.name for path in package.iterdir()} == {
        *PACKAGES,
        *("function_app.py", "host.json", "requirements.txt", "LICENSE"),
    }
    assert [path for path in package.glob("*/**/*") if path.is_file() and path.suffix != ".py"] == []


def test_both_tools_deploy_the_same() -> None:
    assert set(deployed_files(ROOT, as_core_tools_read)) == set(deployed_files(ROOT))


@pytest.mark.parametrize("read", [as_azd_reads, as_core_tools_read])
@pytest.mark.parametrize(
    "leftover",
    [
        ".azure/prod/.env",
        ".git/config",
        ".venv/pyvenv.cfg",
        "reelay_env/pyvenv.cfg",  # `azd restore` makes it
        "domain/__pycache__/video.cpython-313.pyc",
        "local.settings.json",
        "out/fox.mp4",
    ],
)
def test_what_a_working_folder_gathers_stays_there(tmp_path: Path, leftover: str, read: Reader) -> None:
    shutil.copy(ROOT / ".funcignore", tmp_path)
    for name in ("domain/video.py", leftover):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert list(deployed_files(tmp_path, read)) == [Path("domain/video.py")]


def test_every_module_of_the_package_can_be_imported_with_its_requirements_alone(
    package: Path, its_python: Path
) -> None:
    command = [its_python, "-c", IMPORT_ALL, *modules(package)]
    done = subprocess.run(command, cwd=package, env=SETTINGS, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_package_starts_in_the_host_and_answers(
    package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "local").symlink_to(ROOT / "local")
    monkeypatch.chdir(tmp_path)  # so that the host finds itself, and of the app only what was packaged
    with closing(Child(["--app", str(package), "--port", "0"], tmp_path / "log", SETTINGS)) as host:
        host.wait_until_ready()
        assert host.http.get("/healthz").json() == {"status": "ok"}
