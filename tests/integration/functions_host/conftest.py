"""Fixtures of the local host's tests."""

import shutil
from collections.abc import Callable, Generator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.integration.functions_host.host_kit import Child, Start


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Generator[Start]:
    """Starts children, ready to serve, that end with the module at the latest."""
    logs = tmp_path_factory.mktemp("logs")
    with ExitStack() as children:

        def start_child(*arguments: object, **environment: str) -> Child:
            log = logs / f"{len(list(logs.iterdir()))}.log"
            child = Child([str(each) for each in arguments], log, environment)
            children.callback(child.close)
            child.wait_until_ready()
            return child

        yield start_child


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file that the sample apps write down in what they do."""
    path = tmp_path_factory.mktemp("journal") / "journal"
    path.touch()
    return path


@pytest.fixture
def app(tmp_path: Path) -> Callable[..., Path]:
    """Makes a throw-away app of the given source and files."""

    def make(source: str, **files: str) -> Path:
        folder = tmp_path / "app"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        (folder / "function_app.py").write_text(source)
        for name, content in files.items():
            (folder / f"{name}.json").write_text(content)
        return folder

    return make
