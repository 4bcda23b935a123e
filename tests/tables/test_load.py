"""Files as people have them: endings, packings, encodings, separators, targets written oddly."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from autometa import reading
from autometa.collect import load_tables
from autometa.errors import InputError, StoreError
from autometa.tables import Table, TableWarning, load_table
from autometa.tables.endings import ending, in_folder
from autometa.tables.target import read_target

N = 60
RNG = np.random.default_rng(0)
FRAME = pd.DataFrame(
    {
        "größe": RNG.normal(40, 10, N).round(2),
        "stadt": RNG.choice(["Köln", "Aßlar", "Bonn"], N),
        "target": RNG.choice(["no", "yes"], N),
    }
)


def text(**options: Any) -> str:
    return str(FRAME.to_csv(index=False, **options))


def zipped(*names: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(
        buffer, "w", **{"compression": zipfile.ZIP_DEFLATED, **options}
    ) as archive:
        for name in names:
            archive.writestr(name, text())
    return buffer.getvalue()


# Names --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("a.csv", "a"),
        ("survey.2024.v1.csv", "survey.2024.v1"),
        ("A.CSV", "A"),
        ("a.b.TSV.GZ", "a.b"),
        ("x.parquet", "x"),
        ("x.y.PQ", "x.y"),
        ("x.csv.xz", "x"),
    ],
)
def test_dots_in_a_name_stay(file: str, name: str) -> None:
    found = ending(file)
    assert found is not None
    assert found.name == name


@pytest.mark.parametrize(
    "file", ["a.docx", "csv", ".csv", "a.csv.bak", "a.parquet.gz", "a", "a.gz"]
)
def test_what_is_no_table(file: str) -> None:
    assert ending(file) is None


def test_a_folder_is_read_with_every_ending(tmp_path: Path) -> None:
    for name in ("a.csv", "b.2023.csv", "b.2024.CSV", "d.PQ", "e.Parquet"):
        path = tmp_path / name
        if path.suffix.lower() == ".csv":
            path.write_text(text(), encoding="utf-8")
        else:
            FRAME.to_parquet(path)
    (tmp_path / "c.tsv.gz").write_bytes(gzip.compress(text(sep="\t").encode()))
    (tmp_path / "README.txt").write_text("not a table")
    (tmp_path / ".~lock.a.csv").write_text("neither")
    (tmp_path / "index.csv").write_text("name,family\nb.2024,kin\n")
    tables = load_tables([tmp_path])
    assert [t.name for t in tables] == ["a", "b.2023", "b.2024", "c", "d", "e"]
    assert tables[2].family == "kin"
    assert not in_folder(Path("notes.txt"))


def test_columns_to_keep_may_be_in_some_tables_only(tmp_path: Path) -> None:
    FRAME.assign(id=range(N)).to_csv(tmp_path / "a.csv", index=False)
    FRAME.to_csv(tmp_path / "b.csv", index=False)
    with pytest.warns(TableWarning, match="left out: 'id'"):
        assert "id" not in load_tables([tmp_path])[0].X.columns
    first, second = load_tables([tmp_path], keep=["id"])
    assert "id" in first.X.columns
    assert "id" not in second.X.columns
    with pytest.raises(InputError, match="no column 'nothing' to keep"):
        load_tables([tmp_path], keep=["id", "nothing"])


def test_other_files_are_refused_with_the_line_that_converts_them(tmp_path: Path) -> None:
    for name, line in (("t.xlsx", r"pandas.read_excel\(...\)"), ("t.JSON", "read_json")):
        (tmp_path / name).touch()
        with pytest.raises(InputError, match=line):
            load_table(tmp_path / name)


# Packed -------------------------------------------------------------------------------------------

PACK: dict[str, Any] = {
    ".gz": lambda data: gzip.compress(data),
    ".bz2": lambda data: bz2.compress(data),
    ".xz": lambda data: lzma.compress(data),
    ".XZ": lambda data: lzma.compress(data[:500]) + lzma.compress(data[500:]) + b"\0" * 8,
    ".zip": lambda data: zipped("inner/t.csv", "__MACOSX/._t.csv"),
}


@pytest.mark.parametrize("packing", list(PACK))
def test_packed_files(tmp_path: Path, packing: str) -> None:
    path = tmp_path / f"a.b.csv{packing}"
    path.write_bytes(PACK[packing](text().encode()))
    table = load_table(path)
    assert table.name == "a.b"
    assert np.allclose(table.X["größe"], FRAME["größe"])
    assert table.y.tolist() == FRAME["target"].tolist()


@pytest.mark.parametrize("packing", [".gz", ".bz2", ".xz", ".zip"])
def test_a_torn_packed_file_is_an_error(tmp_path: Path, packing: str) -> None:
    path = tmp_path / f"t.csv{packing}"
    whole = PACK[packing](text().encode())
    for data in (whole[: len(whole) // 2], b"no archive at all"):
        path.write_bytes(data)
        with pytest.raises(StoreError, match="cannot be read"):
            load_table(path)


@pytest.mark.parametrize("packing", [".gz", ".bz2", ".xz", ".zip"])
def test_a_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, packing: str) -> None:
    monkeypatch.setattr(reading, "FREE", 1000)
    monkeypatch.setattr(reading, "MAX_RATIO", 2)
    path = tmp_path / f"t.csv{packing}"
    data = b"a,target\n" + b"0,1\n" * 50_000
    if packing == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("t.csv", data)
    else:
        path.write_bytes(PACK[packing](data))
    with pytest.raises(StoreError, match="unpacks to more than"):
        load_table(path)


def test_a_zip_holds_one_plain_file(tmp_path: Path) -> None:
    path = tmp_path / "t.csv.zip"
    path.write_bytes(zipped("a.csv", "b.csv"))
    with pytest.raises(StoreError, match="a zip of 2 files"):
        load_table(path)
    path.write_bytes(zipped("a.csv", compression=zipfile.ZIP_LZMA))
    with pytest.raises(StoreError, match="rare kind"):
        load_table(path)


def test_an_xz_header_that_claims_memory_gets_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "MAX_XZ_MEMORY", 2**20)
    path = tmp_path / "t.csv.xz"
    path.write_bytes(lzma.compress(text().encode()))
    with pytest.raises(StoreError, match="cannot be read"):
        load_table(path)


# Encodings and separators -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "encoding",
    ["utf-8", "utf-8-sig", "cp1252", "latin-1", "utf-16", "utf-16-le", "utf-16-be", "utf-32"],
)
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_encodings_and_separators(tmp_path: Path, encoding: str, separator: str) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(text(sep=separator).encode(encoding))
    table = load_table(path)
    assert list(table.X.columns) == ["größe", "stadt"]
    assert set(table.X["stadt"]) == {"Köln", "Aßlar", "Bonn"}
    assert any("cp1252" in n for n in table.notes) == (encoding in ("cp1252", "latin-1"))


def test_a_letter_of_windows_far_down_the_file(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    head = "a,b,target\n" + "".join(f"{v},x,{v % 2}\n" for v in RNG.normal(size=20_000))
    path.write_bytes((head.replace("-", "") + "0.5,Köln,1\n").encode("cp1252"))
    table = load_table(path, kind="regression")
    assert set(table.X["b"]) == {"x", "Köln"}


def test_what_is_no_text_is_refused_with_a_remedy(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    for data in (b"a,target\n\xff\x81\x8d,1\n", b"a,target\n\xe9\x01\x02,1\n"):
        path.write_bytes(data)
        with pytest.raises(StoreError, match="Save it as UTF-8"):
            load_table(path)


def test_commas_within_text_do_not_mislead(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    rows = [f"a, b and c, {i % 3};{i / 7:.3f};{i % 2}".replace(".", ",") for i in range(N)]
    path.write_text("\n".join(["note;size;target", *rows]))
    table = load_table(path)
    assert table.schema.numeric == ("size",)
    path.write_text("sep=;\n" + "\n".join(["note;size;target", *rows]))
    assert load_table(path).schema.numeric == ("size",)


def test_one_column_is_told_with_what_is_there(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a:target\n1:2\n3:4\n")
    with pytest.raises(InputError, match="allowed: a:target"):
        load_table(path)


@pytest.mark.parametrize("end", [",", ", "])
def test_a_separator_at_the_end_of_each_line_moves_no_column(tmp_path: Path, end: str) -> None:
    path = tmp_path / "t.csv"
    lines = text().splitlines()
    path.write_text(
        "\n".join([lines[0], *(line + end[:1] for line in lines[1:])]), encoding="utf-8"
    )
    table = load_table(path)
    assert np.allclose(table.X["größe"], FRAME["größe"])


@pytest.mark.parametrize("first", [0, 1, 7])
def test_names_of_rows_as_r_writes_them(tmp_path: Path, first: int) -> None:
    path = tmp_path / "t.csv"
    lines = text().splitlines()
    path.write_text(
        "\n".join([lines[0], *(f'"{i}",{r}' for i, r in enumerate(lines[1:], 1))]), "utf-8"
    )
    table = load_table(path)
    assert list(table.X.columns) == ["größe", "stadt"]
    assert any("names of rows" in note for note in table.notes)


@pytest.mark.parametrize("form", ["csv", "parquet", "index"])
def test_an_index_column_is_left_out(tmp_path: Path, form: str) -> None:
    noisy = FRAME.sample(frac=1, random_state=0) if form == "index" else FRAME
    path = tmp_path / "t.csv"
    noisy.to_csv(path)
    if form == "parquet":
        pd.read_csv(path).to_parquet(path := tmp_path / "t.parquet")
    with pytest.warns(TableWarning, match="'Unnamed: 0'"):
        table = load_table(path)
    assert list(table.X.columns) == ["größe", "stadt"]
    kept = load_table(path, keep=["Unnamed: 0"])
    assert "Unnamed: 0" in kept.X.columns
    with pytest.raises(InputError, match="no column 'nothing' to keep"):
        load_table(path, keep=["nothing"])


# Columns named twice, targets ---------------------------------------------------------------------


@pytest.mark.parametrize("names", ["a,target,target", "a,a,target", "target,b,target"])
def test_a_name_that_stands_twice_is_refused(tmp_path: Path, names: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text(f"{names}\n" + "1,0,0\n2,1,1\n" * 20)
    with pytest.raises(InputError, match="several columns named"):
        load_table(path)


def test_a_name_with_a_number_is_no_double(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a,a.1,target\n" + "1,5,0\n2,3,1\n1,3,0\n2,5,1\n1,5,1\n" * 20)
    assert list(load_table(path).X.columns) == ["a", "a.1"]


@pytest.mark.parametrize("word", ["NA", "None", "null", "N/A", "nan"])
def test_a_class_of_that_name_does_not_vanish(tmp_path: Path, word: str) -> None:
    path = tmp_path / "t.csv"
    frame = FRAME.assign(target=[("EU", word, "AS")[i % 3] for i in range(N)])
    frame.loc[0, "target"] = None
    frame.to_csv(path, index=False, encoding="utf-8")
    with pytest.warns(TableWarning, match="1 of 60 rows have no target"):
        table = load_table(path)
    assert sorted(table.y.unique()) == sorted(["EU", word, "AS"])
    assert len(table) == N - 1
    assert any(f"class {word!r} in 20 rows" in note for note in table.notes)
    features = load_table(path, "größe")
    assert features.kind == "regression"


@pytest.mark.parametrize(
    ("cells", "wanted"),
    [
        (["0", "1", "1"], [0, 1]),
        (["True", "False", "True"], [False, True]),
        (["01", "02", "02"], ["01", "02"]),
        (["1.0", "2.0", "1.0"], [1.0, 2.0]),
        (["low", "high", "low"], ["high", "low"]),
        (["10000000000000001", "10000000000000002", "10000000000000002"], [10**16 + 1, 10**16 + 2]),
    ],
)
@pytest.mark.parametrize("missing", [0, 3])
@pytest.mark.filterwarnings("ignore:.*3 of 60 rows have no target")
def test_a_target_has_the_type_it_has_in_the_file(
    tmp_path: Path, cells: list[str], wanted: list[Any], missing: int
) -> None:
    path = tmp_path / "t.csv"
    column = [""] * missing + [cells[i % 3] for i in range(N - missing)]
    FRAME.assign(target=column).to_csv(path, index=False)
    labels = load_table(path).y.cat.categories.tolist()
    assert labels == wanted
    assert [type(v) for v in labels] == [type(v) for v in wanted]


def test_whole_numbers_of_a_regression_may_be_missing(tmp_path: Path) -> None:
    path, values = tmp_path / "t.csv", RNG.permutation(N) * 7
    FRAME.assign(target=["", *values[1:]]).to_csv(path, index=False)
    with pytest.warns(TableWarning, match="1 of 60 rows have no target"):
        table = load_table(path)
    assert table.kind == "regression"
    assert np.array_equal(table.y, values[1:].astype(float))


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_target_with_decimal_commas_is_a_regression(tmp_path: Path, separator: str) -> None:
    path = tmp_path / "t.csv"
    values = RNG.normal(2000, 900, N).round(2)
    german = [f"{v:,.2f}".translate(str.maketrans(",.", ".,")) for v in values]
    FRAME.assign(target=[*german[:-1], "k.A."]).to_csv(path, index=False, sep=separator)
    with pytest.warns(TableWarning) as told:
        table = load_table(path)
    assert table.kind == "regression"
    assert np.allclose(table.y, values[:-1])
    assert "1 cells of the target are no numbers and taken as missing: 'k.A.'" in str(
        told[0].message
    )


def test_points_between_thousands_in_a_file_of_decimal_commas(tmp_path: Path) -> None:
    """pandas alone reads 1.230 as 1.23."""
    path = tmp_path / "t.csv"
    counts = RNG.integers(1000, 9999, N)
    FRAME.assign(
        size=[f"{v:.1f}".replace(".", ",") for v in RNG.normal(size=N)],
        count=[f"{v:,}".replace(",", ".") for v in counts],
    ).to_csv(path, index=False, sep=";", decimal=",")
    table = load_table(path)
    assert np.array_equal(table.X["count"], counts)
    assert np.allclose(table.X["größe"], FRAME["größe"])


def test_a_file_of_decimal_commas_is_what_it_would_be_with_points(tmp_path: Path) -> None:
    plain, comma = tmp_path / "a.csv", tmp_path / "b.csv"
    numbers = pd.DataFrame(RNG.normal(size=(N, 4)), columns=list("abcd")).assign(
        target=RNG.normal(size=N)
    )
    numbers.to_csv(plain, index=False)
    numbers.to_csv(comma, index=False, sep=";", decimal=",")
    pd.testing.assert_frame_equal(load_table(plain).X, load_table(comma).X)
    pd.testing.assert_series_equal(load_table(plain).y, load_table(comma).y)


@pytest.mark.parametrize(
    ("text", "do"),
    [
        ("a,b,y\n1,2,3\n1,2,3,4,5\n", "as many cells as the first one"),
        ("# made by hand\n# today\na,b,y\n1,2,3\n", "remove what stands before it"),
        ('a,b,y\n1,"2,3\n4,5,6\n', "quote cells"),
        ("5.1,3.5,a\n4.9,3.0,b\n4.7,3.2,a\n", "first line seems to hold data"),
        ("1,0,17\n2,3,4\n5,6,7\n", "first line seems to hold data"),
        ("0,1,2\n2,3,4\n5,6,7\n", "Name the column to predict"),
        ("a,b,c\n2,3,4\n5,6,7\n", "Name the column to predict"),
    ],
)
def test_a_file_that_is_no_table_is_refused_with_a_remedy(
    text: str, do: str, tmp_path: Path
) -> None:
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises((InputError, StoreError), match=do):
        load_table(tmp_path / "t.csv", "y")


def test_a_target_of_text_follows_the_kind() -> None:
    def read(values: list[Any], kind: Any = None) -> tuple[pd.Series[Any], str]:
        y = pd.Series(values, dtype=object)
        found, decided, _, _ = read_target(y, kind, table="t", decimal=None, separator="")
        return found, decided

    digits, kind = read(["1", "2", "?"] * 20)
    assert (kind, digits.dropna().tolist()) == ("classification", ["1", "2"] * 20)
    assert read([f"{v / 7:.2f}" for v in range(60)])[1] == "regression"
    assert read([f"{v / 7:.2f}" for v in range(60)], "classification")[1] == "classification"
    assert read(["1", "2"] * 20, "regression")[0].tolist() == [1.0, 2.0] * 20
    for wrong in (["low", "high"] * 9, ["1,5", "2.5"] * 9, ["1,234", "5,678"] * 9):
        with pytest.raises(InputError, match="the target of table 't'"):
            read(wrong, "regression")


@pytest.mark.parametrize("n", [3, 11, 16])
def test_whole_numbers_that_are_read_as_classes_are_told(n: int) -> None:
    y = pd.Series(np.arange(N) % n)
    table = Table(name="t", X=FRAME[["größe"]], y=y)
    told = [s for s in table.notes if f"read as {n} classes" in s and "--kind regression" in s]
    assert len(told) == (n <= 12)
    known = Table(
        name="t", X=FRAME[["größe"]], y=pd.Series(np.arange(N) % n), kind="classification"
    )
    assert not known.notes


@pytest.mark.parametrize(
    "first",
    ["one, two,1,a", '"a \\"b\\", c",1,a', "x,y,z,1,a"],
    ids=["comma", "escape", "two more"],
)
def test_a_first_row_of_too_many_cells_does_not_move_all_others(first: str, tmp_path: Path) -> None:
    """pandas takes its first cells for the names of rows, and the next column for each column."""
    path = tmp_path / "t.csv"
    path.write_text("text,n,target\n" + first + "\n" + "word,2,b\nword,3,a\nword,2,a\n" * 9)
    with pytest.raises(StoreError, match=r"more cells in the line after the names.*quote cells"):
        load_table(path)
    path.write_text("text,n,target\n" + "word,2,b\nword,3,a\nword,2,a\n" * 9)
    assert len(load_table(path)) == 27


@pytest.mark.parametrize("name", ["t.jsonl", "t.ndjson"])
def test_lines_of_json_are_refused_with_what_reads_them(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text('{"a": 1, "target": 2}\n')
    with pytest.raises(InputError, match=r"read_json\(\.\.\., lines=True\)\.to_parquet"):
        load_table(tmp_path / name)
