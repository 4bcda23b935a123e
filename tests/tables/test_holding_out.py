from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from autometa.errors import InputError
from autometa.tables.holding_out import read_parts


def frame(rows: int = 40) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "a": rng.normal(size=rows),
            "price": [f"${v:,.2f}" for v in 1000 * rng.lognormal(1, 1, rows)],
            "y": ["no", "no", "no", "yes"] * (rows // 4),
        }
    )


def written(table: pd.DataFrame, folder: Path) -> Path:
    table.to_csv(path := folder / "t.csv", index=False)
    return path


def test_both_parts_make_the_whole_and_each_class_gives_its_share(tmp_path: Path) -> None:
    whole = frame()
    table, rows = read_parts(written(whole, tmp_path), "y", share=0.25, seed=3)
    assert (len(table), len(rows)) == (30, 10)
    assert sorted([*table.X["a"], *rows["a"]]) == pytest.approx(sorted(whole["a"]))
    assert rows["y"].value_counts().to_dict() == {"no": 8, "yes": 2}
    assert str(rows["price"].iloc[0]).startswith("$")  # as it stands in the file
    assert table.X["price"].dtype == np.float64
    again = read_parts(tmp_path / "t.csv", "y", share=0.25, seed=3)[1]
    other = read_parts(tmp_path / "t.csv", "y", share=0.25, seed=4)[1]
    pd.testing.assert_frame_equal(rows, again)
    assert set(rows["a"]) != set(other["a"])


def test_rows_without_a_target_are_on_neither_side(tmp_path: Path) -> None:
    whole = frame()
    whole.loc[:7, "y"] = None
    table, rows = read_parts(written(whole, tmp_path), "y", share=0.5)
    assert len(table) + len(rows) == 32
    assert rows["y"].notna().all()


def test_a_class_of_one_row_and_numbers_are_drawn_by_chance(tmp_path: Path) -> None:
    rare = frame()
    rare.loc[0, "y"] = "once"
    table, rows = read_parts(written(rare, tmp_path), "y", share=0.3)
    assert len(table) + len(rows) == 40
    numbers = frame().assign(y=np.arange(40) / 7)
    table, rows = read_parts(written(numbers, tmp_path), "y", share=0.001)
    assert (table.kind, len(rows)) == ("regression", 1)


@pytest.mark.parametrize("share", [0.01, 0.3, 0.5, 0.8])
def test_each_class_is_learned_whatever_its_rows(share: float, tmp_path: Path) -> None:
    rare = frame()
    rare.loc[:6, "y"] = ["once", "two", "two", "three", "three", "three", "none"]
    for seed in range(5):
        table, rows = read_parts(written(rare, tmp_path), "y", share=share, seed=seed)
        assert set(table.y.cat.categories) == set(rare["y"])
        assert len(table) + len(rows) == 40
        assert len(rows) >= 1


def test_the_kind_is_that_of_the_whole_table(tmp_path: Path) -> None:
    table, _ = read_parts(written(frame(), tmp_path), "y", share=0.5)
    assert table.kind == "classification"
    few = frame().assign(y=[0, 1] * 20)
    assert read_parts(written(few, tmp_path), "y", share=0.5, kind="regression")[0].kind == (
        "regression"
    )


@pytest.mark.parametrize("share", [0.0, 1.0, -0.2, 3.0, float("nan")])
def test_what_is_no_share_is_refused(share: float, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="above 0 and below 1"):
        read_parts(written(frame(), tmp_path), "y", share=share)
    with pytest.raises(InputError, match="no column 'z'"):
        read_parts(tmp_path / "t.csv", "z", share=0.5)


@pytest.mark.parametrize("source", ["sklearn:breast_cancer", "sklearn:iris"])
def test_tables_whose_target_is_a_category_are_divided_too(source: str) -> None:
    table, rows = read_parts(source, None, share=0.3)
    assert len(rows) == round(0.3 * (len(table) + len(rows)))
    assert rows["target"].nunique() == len(set(table.labels))


def test_so_is_a_parquet_file_with_categories_one_of_which_is_in_one_row(tmp_path: Path) -> None:
    rare = frame().assign(y=lambda f: pd.Categorical([*f["y"][:-1], "once"]))
    rare.to_parquet(path := tmp_path / "t.parquet")
    table, rows = read_parts(path, "y", share=0.3)
    assert len(table) + len(rows) == 40
    assert "once" not in set(rows["y"])
