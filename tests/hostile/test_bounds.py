"""Sizes are checked before anything is allocated; archives cannot leave their folder."""

from __future__ import annotations

import gzip
import json
import struct
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from torch import nn

from autometa import reading
from autometa.errors import InputError, StoreError
from autometa.inner import FittedMAML
from autometa.meta import MetaModel
from autometa.reading import parse_json, read_bytes, read_csv, read_parquet
from autometa.tables import load_table
from tests.hostile.fuzz import limits


def sparse(path: Path, size: int) -> Path:
    """A file of a size, without its bytes."""
    with path.open("wb") as file:
        file.truncate(size)
    return path


def test_a_file_over_its_limit_is_not_read(tmp_path: Path) -> None:
    path = sparse(tmp_path / "f", 2**40)
    with limits(2**28), pytest.raises(StoreError, match=r"1,099,511,627,776 bytes"):
        read_bytes(path)


def test_reading_takes_what_the_file_has_and_not_what_it_may_have(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"abc")
    with limits(2**28):
        assert read_bytes(tmp_path / "f", 2**40) == b"abc"


def test_a_packed_bomb_is_refused_while_it_unpacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "FREE", 2**22)
    path = tmp_path / "t.csv.gz"
    with gzip.open(path, "wb") as file:
        file.write(b"a,target\n")
        for _ in range(80):
            file.write(b"0,1\n" * 2**18)
    assert path.stat().st_size < 2**20
    with limits(2**30), pytest.raises(StoreError, match=r"unpacks to more than"):
        load_table(path)


def test_what_packs_well_and_is_small_is_read(tmp_path: Path) -> None:
    path = tmp_path / "t.csv.gz"
    path.write_bytes(gzip.compress(b"a,target\n" + b"0,1\n" * 100_000))
    assert len(read_csv(path)) == 100_000


def test_a_parquet_header_that_claims_too_much_is_refused_before_its_cells_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "t.parquet"
    pd.DataFrame({"a": np.zeros(10**6), "target": np.zeros(10**6)}).to_parquet(path)
    assert path.stat().st_size < 10**5
    monkeypatch.setattr(reading, "MAX_CELL_BYTES", 10**6)
    monkeypatch.setattr(pd, "read_parquet", lambda *_: pytest.fail("it was read"))
    with pytest.raises(StoreError, match="claims 16,000,000 bytes"):
        read_parquet(path)


def model_file(
    path: Path, members: dict[str, bytes], compression: int = zipfile.ZIP_STORED
) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def test_a_compressed_model_is_refused_unopened(tmp_path: Path) -> None:
    bomb = {"model.json": b" " * 2**26, "model.safetensors": b""}
    path = model_file(tmp_path / "m", bomb, zipfile.ZIP_DEFLATED)
    with limits(2**28), pytest.raises(StoreError, match="compressed"):
        MetaModel.load(path)


def test_members_of_a_model_are_found_by_their_names_only(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    path = model_file(tmp_path / "m", {f"../{outside.name}": b"x", "/etc/x": b"x"})
    with pytest.raises(StoreError, match="something else than"):
        MetaModel.load(path)
    assert not outside.exists()


def test_a_tensor_header_that_claims_more_than_the_file_has_is_refused(tmp_path: Path) -> None:
    claim = {"a": {"dtype": "F64", "shape": [2**40], "data_offsets": [0, 2**43]}}
    text = json.dumps(claim).encode()
    for header in (struct.pack("<Q", 2**60), struct.pack("<Q", len(text)) + text):
        import hashlib

        described = {
            "schema": 2,
            "transfer": {},
            "sha256": hashlib.sha256(header).hexdigest(),
            "space": {"distributions": {}},
            "tasks": [],
            "meta_features": [],
        }
        members = {"model.json": json.dumps(described).encode(), "model.safetensors": header}
        path = model_file(tmp_path / "m", members)
        with limits(2**28), pytest.raises(StoreError):
            MetaModel.load(path)


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "..", "", "tensors-0.safetensors", 7])
def test_an_inner_model_names_no_file_but_its_own(tmp_path: Path, name: object) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (tmp_path / "secret").write_bytes(b"x")
    index = {"kind": "autometa-inner", "schema": 1, "tensors": name, "sha256": ""}
    (folder / "index.json").write_text(json.dumps(index))
    with pytest.raises(StoreError, match="damaged"):
        FittedMAML.load(folder, nn.Linear(1, 1))


def test_deep_json_is_an_error_like_any_other() -> None:
    with pytest.raises(ValueError, match="nested too deeply"):
        parse_json("[" * 10**5)


@pytest.mark.parametrize("ending", [".zst", ".7z", ".tar", ".tar.gz", ".rar", ".lzma"])
def test_other_archives_are_not_unpacked(tmp_path: Path, ending: str) -> None:
    (tmp_path / f"t.csv{ending}").write_bytes(b"anything")
    with pytest.raises(InputError, match="allowed: a name that ends in"):
        load_table(tmp_path / f"t.csv{ending}")
