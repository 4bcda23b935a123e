from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import pytest

from autometa import report
from autometa.errors import StoreError
from tests.results import HOSTILE, result

_VOID = {"meta", "path", "use", "rect", "circle"}


class _Checker(HTMLParser):
    """Collects tags and checks that they nest."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if tag not in _VOID:
            assert self.open.pop() == tag


def parse(page: str) -> _Checker:
    checker = _Checker()
    checker.feed(page)
    assert not checker.open
    return checker


def test_the_page_is_self_contained() -> None:
    page = report.render(result())
    tags = parse(page).tags
    assert not {"script", "link", "img", "iframe"} & {tag for tag, _ in tags}
    for _, attributes in tags:
        for name in ("src", "href", "xlink:href"):
            assert (attributes.get(name) or "#").startswith("#")
    assert "url(http" not in page
    assert "@import" not in page
    assert len(page.encode()) < 1_000_000


def test_hostile_names_stay_text() -> None:
    page = report.render(
        result(name=HOSTILE, excluded=[HOSTILE], weights=[HOSTILE, "b"], reason=HOSTILE)
    )
    tags = {tag for tag, _ in parse(page).tags}
    assert not {"script", "b>", "frac"} & tags
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_ids_are_unique_and_references_resolve() -> None:
    tags = parse(report.render(result())).tags
    ids = [a["id"] for _, a in tags if "id" in a]
    assert len(ids) == len(set(ids))
    used = {str(a["xlink:href"])[1:] for _, a in tags if "xlink:href" in a}
    assert used <= set(ids)


def test_the_page_tells_the_story() -> None:
    page = report.render(result(excluded=["sister"]))
    for text in ("3 warm trials", "sister", "0.95", "inner learning rate", "reason 0", "1 failed"):
        assert text in page
    assert page.count("<svg") == 4
    assert "currentColor" in page
    assert "prefers-color-scheme: dark" in page


@pytest.mark.parametrize("values", [[], [None, None]])
def test_a_search_without_success_still_has_a_page(values: list[float | None]) -> None:
    assert "succeeded" in report.render(result(warm=values, cold=None))


def test_a_warm_arm_that_never_matches_says_so() -> None:
    assert "did not match" in report.render(result(warm=[0.1, 0.1]))


def test_the_same_result_gives_the_same_page() -> None:
    assert report.render(result()) == report.render(result())


def test_long_studies_stay_small() -> None:
    page = report.render(result(warm=[0.5] * 2000, cold=[0.5] * 2000))
    assert len(page.encode()) < 1_000_000
    assert "first 200 shown" in page


def test_write_replaces_the_file_whole(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text("old")
    assert report.write_report(result(), path) == path
    assert path.read_text(encoding="utf-8") == report.render(result())
    assert list(tmp_path.iterdir()) == [path]


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be written"):
        report.write_report(result(), tmp_path / "no" / "report.html")
    assert list(tmp_path.iterdir()) == []
