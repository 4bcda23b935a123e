from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from autometa.errors import MissingExtraError
from autometa_benchmarks.postgres import LOOPBACK, Cluster, free_port
from tests.faults.counter import Faults
from tests.faults.killing import Program
from tests.faults.programs import environment

NO_POSTGRES = (
    "AUTOMETA_TEST_POSTGRES names no database: install Debian's postgresql, start a cluster on a "
    "loopback port as .ci/run does, and give its URL (postgresql://postgres@127.0.0.1:PORT/postgres)"
)


@pytest.fixture(autouse=True)
def _no_program_is_left() -> Iterator[None]:
    yield
    Program.end_all()


@pytest.fixture
def faults(request: pytest.FixtureRequest) -> Faults:
    return Faults(request.node.user_properties)


@pytest.fixture
def postgres() -> str:
    if "AUTOMETA_TEST_POSTGRES" not in os.environ:
        pytest.skip(NO_POSTGRES)
    return os.environ["AUTOMETA_TEST_POSTGRES"]


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """A server of the test's own, which it may restart."""
    with ExitStack() as stack:
        try:
            running = stack.enter_context(Cluster.in_folder())
        except MissingExtraError as error:
            pytest.skip(str(error))
        yield running


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a small meta-model of the space that the programs search."""
    from autometa.meta import MetaLearner
    from tests.faults.programs import prior

    path = tmp_path_factory.mktemp("model") / "svm.model"
    MetaLearner(seed=0, steps=20).fit(prior()).save(path)
    return path


@pytest.fixture
def proxy(postgres: str) -> Iterator[str]:
    """Optuna's gRPC proxy before the database, on loopback."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.faults.programs", "proxy", postgres, str(port)],
        env=environment(),
    )
    yield f"grpc://{LOOPBACK}:{port}"
    process.kill()
    process.wait()
