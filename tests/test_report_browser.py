"""Reports in a real Chromium: figures are drawn, nothing overflows, both schemes read well."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest

from autometa.bench import show
from autometa.meta import MetaLearner
from autometa.report import write_report
from autometa.testing.families import Bowls
from tests import chromium
from tests.results import HOSTILE, result

RESULTS = Path(__file__).parent.parent / "benchmarks" / "results"

# What is wrong with the page: texts, one a fault.
FAULTS = """(() => {
  const faults = [], root = document.documentElement, wide = root.clientWidth;
  if (root.scrollWidth > wide) faults.push(`page ${root.scrollWidth} > ${wide}`);
  document.querySelectorAll("details").forEach(d => d.open = true);
  if (root.scrollWidth > wide) faults.push(`opened page ${root.scrollWidth} > ${wide}`);
  for (const e of document.querySelectorAll("h1, h2, h3, p, dd, dt, summary, figure, section")) {
    if (e.scrollWidth > e.clientWidth + 1) faults.push(`${e.tagName}: ${e.textContent}`);
    if (e.getBoundingClientRect().right > wide + 1) faults.push(`outside: ${e.textContent}`);
  }
  for (const svg of document.querySelectorAll("svg")) {
    const box = svg.getBoundingClientRect(), name = svg.getAttribute("aria-label");
    if (box.width < 200 || box.height < 150) faults.push(`small figure ${name}`);
    const drawn = [...svg.querySelectorAll("path, use")].filter(
      e => e.getBoundingClientRect().width > 0 || e.getBoundingClientRect().height > 0);
    if (drawn.length < 5) faults.push(`empty figure ${name}`);
    for (const text of svg.querySelectorAll("text")) {
      const t = text.getBoundingClientRect();
      if (t.left < box.left - 1 || t.right > box.right + 1
          || t.top < box.top - 1 || t.bottom > box.bottom + 1)
        faults.push(`text out of figure ${name}: ${text.textContent}`);
    }
  }
  return faults;
})()"""

# The least contrast of any text with the box behind it (WCAG 2), and the paper's lightness.
CONTRAST = """(() => {
  const light = c => {
    const v = c.match(/[\\d.]+/g).slice(0, 3).map(x => x / 255)
      .map(x => x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4);
    return 0.2126 * v[0] + 0.7152 * v[1] + 0.0722 * v[2];
  };
  const card = light(getComputedStyle(document.querySelector("section")).backgroundColor);
  let least = 21;
  for (const e of document.querySelectorAll("section h2, section p, td, th, dt, dd, svg text")) {
    const style = getComputedStyle(e);
    const ink = light(e instanceof SVGElement ? style.fill : style.color);
    least = Math.min(least, (Math.max(ink, card) + 0.05) / (Math.min(ink, card) + 0.05));
  }
  return [least, card];
})()"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[chromium.Page]:
    program = chromium.find()
    if program is None:
        pytest.skip("no Chromium here: on Debian, apt-get install chromium")
    with chromium.page(program, tmp_path_factory.mktemp("profile")) as page:
        yield page


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    model = MetaLearner(seed=0, steps=30).fit(Bowls().portfolio(6, 15))
    long = "a-very-long-name-without-a-break-" * 4
    subjects: dict[str, Any] = {
        "tune": result(name=HOSTILE, weights=[HOSTILE, long], excluded=[long], model=model),
        "failed": result(warm=[None], cold=None, name=long),
        "bench": show.load(RESULTS / "lcbench-100.json"),
        "spaces": show.load(RESULTS / "tables.json"),
    }
    return {name: write_report(s, folder / f"{name}.html") for name, s in subjects.items()}


@pytest.mark.parametrize("name", ["tune", "failed", "bench", "spaces"])
def test_a_page_reads_well(browser: chromium.Page, pages: dict[str, Path], name: str) -> None:
    schemes: tuple[Literal["light", "dark"], ...] = ("light", "dark")
    for width in (400, 1400):
        for scheme in schemes:
            browser.errors.clear()
            browser.requests.clear()
            browser.open(pages[name], width=width, scheme=scheme)
            assert browser.evaluate(FAULTS) == []
            contrast, card = browser.evaluate(CONTRAST)
            assert contrast >= 4.5
            assert (card > 0.5) == (scheme == "light")
            assert browser.errors == []
            assert browser.requests == [pages[name].resolve().as_uri()]


def test_the_checks_can_fail(browser: chromium.Page, tmp_path: Path) -> None:
    broken = tmp_path / "broken.html"
    broken.write_text(
        "<section style='background: #fff'><p style='color: #eee; width: 50em'>wide</p>"
        "<p style='width: 5px'>unbreakable</p>"
        "<svg width='300' height='200'><text x='290' y='90'>a long text</text></svg></section>"
        "<script>console.error('told'); thrown()</script><img src='nothing.png'>"
    )
    browser.errors.clear()
    browser.requests.clear()
    browser.open(broken, width=400, scheme="light")
    faults = " ".join(browser.evaluate(FAULTS))
    for fault in ("page", "outside", "P: unbreakable", "empty figure", "text out of figure"):
        assert fault in faults
    assert browser.evaluate(CONTRAST)[0] < 4.5
    assert len(browser.errors) >= 2
    assert len(browser.requests) == 2
