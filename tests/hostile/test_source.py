"""The source itself: nothing that a reader can reach runs what it reads."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import autometa
import autometa_benchmarks

ROOTS = [Path(str(package.__file__)).parent for package in (autometa, autometa_benchmarks)]
MODULES = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "marshal", "shelve"}
MODULES |= {"yaml", "xml", "lxml", "jsonpickle", "imp", "code", "codeop", "runpy", "tarfile"}
CALLS = {"eval", "exec", "compile", "__import__"}
METHODS = {
    "read_pickle",
    "to_pickle",
    "read_xml",
    "read_html",
    "read_hdf",
    "read_sql",
    "extractall",
    "extract",
    "unpack_archive",
    "literal_eval",  # no code, but it can end the process by its depth
}
# Of modules where the same name is harmless elsewhere.
DOTTED = {"torch.load", "torch.jit", "torch.hub", "torch.compile.load", "os.system", "os.popen"}
DOTTED |= {"np.load", "numpy.load", "np.fromfile", "np.loadtxt", "np.genfromtxt"}
STORAGES = {"JournalRedisBackend", "CmaEsSampler", "load_pickle", "RedisStorage"}
# What is allowed, and why.
ALLOWED = {
    ("autometa/children/evaluation/held_out.py", "np.load"): "predictions that a search wrote; "
    "allow_pickle=False, bounded in size",
    ("autometa/children/helper.py", "np.load"): "splits from the parent; allow_pickle=False",
    ("autometa_benchmarks/automl/running.py", "np.load"): "what a system that is compared wrote; "
    "allow_pickle=False",
    ("autometa/inner/stateless.py", "torch.jit"): "a class's name, to refuse scripted modules",
    ("autometa_benchmarks/inner/omniglot.py", "np.load"): "public data; allow_pickle=False",
    ("autometa_benchmarks/inner/small_modules.py", "np.load"): "the same file; allow_pickle=False",
    ("autometa_benchmarks/methods/cma_es.py", "CmaEsSampler"): "a peer, on studies in memory "
    "that it made itself",
}


def findings(text: str) -> Iterator[str]:
    """What is forbidden in a module's text."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (a.name for a in node.names if a.name.split(".")[0] in MODULES)
        elif isinstance(node, ast.ImportFrom):
            if (node.module or "").split(".")[0] in MODULES:
                yield node.module or ""
            yield from (a.name for a in node.names if a.name in STORAGES | METHODS)
        elif isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            last = name.rpartition(".")[2]
            if name in CALLS | DOTTED or (last in METHODS | STORAGES and last != name):
                yield name if name in DOTTED | CALLS else last
            for word in node.keywords:
                shown = ast.unparse(word.value)
                if (word.arg, shown) in {("allow_pickle", "True"), ("shell", "True")} or (
                    word.arg == "weights_only" and shown == "False"
                ):
                    yield f"{word.arg}={shown}"
        elif isinstance(node, ast.Attribute) and ast.unparse(node) in DOTTED:
            yield ast.unparse(node)


def test_no_module_runs_or_unpickles_what_it_reads() -> None:
    found = {
        (path.relative_to(root.parent).as_posix(), what)
        for root in ROOTS
        for path in root.rglob("*.py")
        for what in findings(path.read_text(encoding="utf-8"))
    }
    assert found <= set(ALLOWED), found - set(ALLOWED)
    assert set(ALLOWED) <= found, "an exception that nothing needs any more"


@pytest.mark.parametrize(
    "text",
    [
        "import pickle",
        "from joblib import load",
        "import xml.etree.ElementTree as E",
        "eval(text)",
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "np.load(path, allow_pickle=True)",
        "pd.read_pickle(path)",
        "optuna.samplers.CmaEsSampler()",
        "from optuna.samplers import CmaEsSampler",
        "JournalRedisBackend(url)\nx.JournalRedisBackend(url)",
        "archive.extractall(folder)",
        "subprocess.run(text, shell=True)",
        "read = np.load",
    ],
)
def test_each_of_them_would_be_found(text: str) -> None:
    assert list(findings(text))


def test_optuna_unpickles_only_where_we_do_not_go() -> None:
    """A new Optuna that unpickles elsewhere must be looked at before it is supported."""
    import optuna

    root = Path(optuna.__file__).parent
    users = {
        path.relative_to(root).as_posix()
        for path in root.rglob("*.py")
        if "pickle.loads" in path.read_text(encoding="utf-8")
    }
    known = {
        "samplers/_cmaes.py",  # trial attributes; not imported outside the benchmarks, see above
        "storages/journal/_storage.py",  # snapshots, which only Redis has; see `sources._Journal`
        "testing/pytest_storages.py",
    }
    assert users <= known, users - known
