"""A study of ours opens in Optuna's dashboard, with our notes where its reader looks for them."""

from __future__ import annotations

import json
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import optuna
import pytest

import autometa
from autometa.samplers.asking import suggest
from autometa.testing.families import Bowls
from tests import chromium

dashboard = pytest.importorskip("optuna_dashboard")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")


class _Quiet(WSGIRequestHandler):
    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A dashboard on the loopback of a storage with one finished study."""
    url = f"sqlite:///{tmp_path_factory.mktemp('dashboard') / 's.db'}"
    family = Bowls()
    objective = family.objective(0)
    study = autometa.create_study(
        "maximize", prior=family.portfolio(), space=family.space, study_name="ours", storage=url
    )
    study.optimize(lambda trial: objective(suggest(trial, family.space)), n_trials=5)
    server = make_server(
        "127.0.0.1", 0, dashboard.wsgi(optuna.storages.get_storage(url)), handler_class=_Quiet
    )
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def _read(address: str) -> Any:
    with urllib.request.urlopen(address, timeout=30) as answer:
        return json.load(answer)


def test_every_trial_says_its_rule_there(address: str) -> None:
    (listed,) = _read(f"{address}/api/studies")["study_summaries"]
    assert listed["study_name"] == "ours"
    found = _read(f"{address}/api/studies/{listed['study_id']}")
    notes = [{a["key"]: a["value"] for a in t["user_attrs"]} for t in found["trials"]]
    assert len(notes) == 5
    rules = [n["autometa:rule"].strip('"') for n in notes]
    assert rules[:3] == ["default", "portfolio", "portfolio"]
    assert all(len(value) < 2000 for n in notes for value in n.values())  # cells that can be read


def test_the_page_shows_it(address: str, tmp_path: Path) -> None:
    program = chromium.find()
    if program is None:
        pytest.skip("needs Chromium")
    with chromium.page(program, tmp_path) as page:
        page.visit(f"{address}/dashboard/studies/1/trials?numbers=1", width=1280)
        for _ in range(100):
            text = page.evaluate("document.body.innerText")
            if "autometa:rule" in text:
                break
            time.sleep(0.1)
        assert "autometa:rule" in text
        assert "portfolio" in text
        shot = page.ask("Page.captureScreenshot", format="png")["data"]
        assert len(shot) > 10_000
        serious = [e for e in page.errors if "font" not in e and "net::" not in e]
        assert not serious
