"""The research as a package of its own: what it takes from autometa, and what it asks for."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import autometa
import autometa_benchmarks
from autometa.bench import methods, suites
from autometa_benchmarks.collection import COLLECTION

OURS, THEIRS = (Path(str(p.__file__)).parent for p in (autometa, autometa_benchmarks))
# Modules whose names outsiders may use; autometa.bench and autometa.cli with all that is in them.
PUBLIC = {"autometa", "autometa.children", "autometa.encoding", "autometa.errors"}
PUBLIC |= {"autometa.inner", "autometa.meta", "autometa.meta_features", "autometa.plots"}
PUBLIC |= {"autometa.portfolio", "autometa.reading", "autometa.space", "autometa.tables"}
PUBLIC |= {"autometa.portfolio.store", "autometa.task"}
# What measures autometa's insides imports them; each with the reason.
INTERNAL = {
    "autometa.children.folds": "folds and scores of children, on rows never tuned on",
    "autometa.children.evaluation.isolated": "children in processes of their own, as in a search",
    "autometa.children.evaluation.threads": "one thread for every method that is compared",
    "autometa.children.prediction": "held-out predictions of other people's methods",
    "autometa.children.metrics": "the metrics of a prediction, on rows never tuned on",
    "autometa.children.starts.probe": "the probe of one batch that is not used",
    "autometa.children.starts.learning": "the rows that a learned start sees",
    "autometa.collect.derived": "the list of derived tables that belongs to a journal",
    "autometa.collect.journal": "the name of a collection's journal",
    "autometa.collect.sources": "tables as the command line names them",
    "autometa.inner.rate_curve": "what a law of rates is learned from",
    "autometa.inner.rate_law": "the law of rates that is judged",
    "autometa.inner.rate_suggestion": "the suggestion that is judged",
    "autometa.writing": "files put in place whole",
    "autometa.inner.compiled": "compiled outer gradients",
    "autometa.inner.episodes": "the type of what gives episodes",
    "autometa.inner.few_steps": "the recipe of the shipped learned start",
    "autometa.inner.stateless": "peers that train the same child",
    "autometa.inner.tabular": "the same",
    "autometa.inner.training": "the same",
    "autometa.meta.parts.inner_rate": "the range of rates",
    "autometa.meta.parts.kernel": "a regression on recorded runs, for true rates",
    "autometa.meta.inspect.rate_probe": "the probe of one batch that is not used",
    "autometa.meta.data.targets": "normal scores, for other people's methods",
    "autometa.meta.parts.zero_shot": "the greedy choice, for a list that knows prior tasks exactly",
    "autometa.meta.parts.judges": "regrets on recorded runs, for choosing what ships",
    "autometa.meta.front_model": "the model of several objectives, without a study",
    "autometa.meta.cost_model": "the model that counts seconds, without a study",
    "autometa.priors.cost": "the same",
    "autometa.priors.several": "the model of several objectives, without a study",
    "autometa.priors.knowing": "what a study of several objectives is known by",
    "autometa.samplers.sampler": "the sampler of a model that a suite fitted itself",
    "autometa.storages.attributes": "the simulated seconds of a trial",
    "autometa.storages.studies": "Optuna's own lines, kept quiet",
    "autometa.threads": "one thread, while times are taken",
    "autometa.storages.addresses": "a database's URL, for a server to measure with",
    "autometa.tuning.table_priors": "the loop's steps",
    "autometa.tuning.arms": "the same",
    "autometa.tuning.arguments": "the families of a call, which are fitted before the clock starts",
    "autometa.tuning.session": "how short a search is that fits no models",
    "autometa.tuning.scoring": "the scale that methods are compared on",
    "autometa.tuning.pairs": "the order of pairs that is judged",
    "autometa.storages.connect": "the same storage as workers use",
    "autometa.samplers.asking": "the parameters of a space, suggested in a trial",
    "autometa.tuning.table_feedback": "the loop's steps",
    "autometa.tuning.tune": "the same",
}


def imported(root: Path) -> Iterator[tuple[str, str]]:
    """(module, name) of every `from MODULE import NAME`, and (module, "") of `import MODULE`."""
    for path in root.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                yield from ((node.module or "", alias.name) for alias in node.names)
            elif isinstance(node, ast.Import):
                yield from ((alias.name, "") for alias in node.names)


def test_it_takes_public_names_and_a_listed_few_others() -> None:
    taken = {(m, n) for m, n in imported(THEIRS) if m.split(".")[0] == "autometa"}
    assert not [n for _, n in taken if n.startswith("_")]
    open_to_all = ("autometa.bench", "autometa.cli")
    inside = {m for m, _ in taken if m not in PUBLIC and not m.startswith(open_to_all)}
    assert inside == set(INTERNAL)


def test_autometa_knows_it_by_name_only() -> None:
    assert not [m for m, _ in imported(OURS) if m.split(".")[0] == "autometa_benchmarks"]


def test_everything_it_lists_is_there() -> None:
    for name, listed in COLLECTION.suites.items():
        module = listed.home.partition(":")[0].rpartition(".")[2]
        assert (THEIRS / "suites" / f"{module}.py").exists()
        if not listed.missing():
            assert suites.about(name) == suites._kind(name).about
            assert suites._kind(name).name == name
    assert {m.name for m in COLLECTION.methods()} <= set(methods.names())


def table(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        found: dict[str, Any] = tomllib.load(file)
    return found


def test_a_checkout_is_asked_for_what_the_package_needs() -> None:
    root = OURS.parent
    if not (root / "pyproject.toml").exists():
        pytest.skip("no checkout")
    own, theirs = table(root / "pyproject.toml"), table(root / "benchmarks" / "pyproject.toml")
    needed = {*theirs["project"]["dependencies"]} - {"autometa"}
    needed |= {*theirs["project"]["optional-dependencies"]["applications"]}
    assert needed <= {*own["project"]["optional-dependencies"]["dev"]}
    assert own["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"] == ["autometa"]
    (home,) = theirs["project"]["entry-points"]["autometa.suites"].values()
    assert home == "autometa_benchmarks.collection:COLLECTION"
