"""The API reference from the docstrings: python .ci/reference.py FOLDER. A warning is an error."""

from __future__ import annotations

import pkgutil
import sys
import warnings
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pdoc.doc
import pdoc.render

import autometa


def public() -> list[str]:
    """Names of the modules that people import; the command line explains itself."""
    found = (m.name for m in pkgutil.walk_packages(autometa.__path__, "autometa."))
    names = (n for n in found if not any(part.startswith("_") for part in n.split(".")))
    return ["autometa", *(n for n in names if not n.startswith("autometa.cli"))]


def _loaded(name: str) -> ModuleType:
    """A module with the names that it loads on first use."""
    module = import_module(name)
    for lazy in getattr(module, "__all__", ()):
        setattr(module, lazy, getattr(module, lazy))
    return module


def build(folder: Path) -> None:
    """One page a module, an index and the search's data."""
    modules = {name: pdoc.doc.Module(_loaded(name)) for name in public()}
    pdoc.render.configure(docformat="google", show_source=False)
    pages = {
        f"{n.replace('.', '/')}.html": pdoc.render.html_module(m, modules)
        for n, m in modules.items()
    }
    pages["index.html"] = pdoc.render.html_index(modules)
    pages["search.js"] = pdoc.render.search_index(modules)
    for name, text in pages.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    with warnings.catch_warnings():
        warnings.filterwarnings("error", module=r"pdoc\..*")
        # What a NamedTuple's constructor takes, and classes that are generic in their stubs only
        # (pandas.Series), cannot be looked up; both are shown as written.
        warnings.filterwarnings("ignore", message=r"Error parsing .* ForwardRef\(.*\.__init__\.")
        warnings.filterwarnings("ignore", message=r"Error parsing .* is not subscriptable$")
        build(Path(sys.argv[1]))
