"""A meta-model as one file: a zip of `model.json` and `model.safetensors`, both stored as they are.

Why one file: it is replaced atomically, and copied as one thing. Safetensors load silently with a
flipped bit, so the JSON holds the tensors' SHA-256. Nothing in the file is code, nothing is
unpacked to disk, and the two members are all that may be in it: stored, not compressed, and bounded
in size, so that neither a path nor a bomb can come with a model.

    schema 1    no provenance, licence, curves and early values; no longer read
    schema 2    these too
"""

from __future__ import annotations

import hashlib
import io
import json
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors

from autometa._version import __version__
from autometa.errors import AutometaError, StoreError
from autometa.meta import consistency
from autometa.meta.learned import Learned
from autometa.meta.lineage import Lineage
from autometa.meta.parts.basis import Basis
from autometa.meta.parts.catalogue import Catalogue
from autometa.meta.parts.feasibility import FailureRate
from autometa.meta.parts.improvement_chance import ImprovementChance
from autometa.meta.parts.inner_rate import RateModel
from autometa.meta.parts.kernel import Kernel
from autometa.meta.parts.prior import HeadPrior
from autometa.meta.parts.similarity import Similarity
from autometa.meta.parts.transfer import Transfer
from autometa.reading import check_size, parse_json
from autometa.space import SearchSpace
from autometa.writing import write_whole

SCHEMA = 2
_JSON, _TENSORS = "model.json", "model.safetensors"
_RATES = ("unit", "weights", "counts", "scales")
_CURVES = ("mean", "deviation", "weights")
_MOST_JSON, _MOST_TENSORS = 64 * 2**20, 2**30
_MOST_BOOKKEEPING = 2**20


def save_model(model: Learned, path: Path) -> None:
    """See `MetaModel.save`."""
    tensors, scalars = parts(model)
    blob = save_tensors(tensors)
    header = {
        "schema": SCHEMA,
        "autometa": __version__,
        "space": model.space.to_json(),
        "tasks": list(model.tasks),
        "meta_features": [dict(m) for m in model.meta_features],
        "licence": model.licence,
        "provenance": dict(model.provenance),
        "lineage": model.lineage.to_json(),
        **scalars,
        "sha256": hashlib.sha256(blob).hexdigest(),
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, data in ((_JSON, json.dumps(header, indent=1).encode()), (_TENSORS, blob)):
            archive.writestr(zipfile.ZipInfo(name), data)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, buffer.getvalue())
    except OSError as error:
        raise StoreError(
            f"the model cannot be written to {path}: {error.strerror}", do="Choose another place"
        ) from error


def load_model(path: Path) -> Learned:
    """See `MetaModel.load`."""
    try:
        check_size(path, path.stat().st_size, _MOST_JSON + _MOST_TENSORS + _MOST_BOOKKEEPING)
        with zipfile.ZipFile(path) as archive:
            if sorted(archive.namelist()) != sorted((_JSON, _TENSORS)):
                raise _damaged(path, f"it holds something else than {_JSON} and {_TENSORS}")
            header = parse_json(_member(archive, _JSON, _MOST_JSON, path))
            blob = _member(archive, _TENSORS, _MOST_TENSORS, path)
    except FileNotFoundError as error:
        raise StoreError(f"there is no model at {path}", do="Check the path") from error
    except StoreError:
        raise
    except (OSError, ValueError, RuntimeError, EOFError, zipfile.BadZipFile, struct.error) as error:
        # RuntimeError: encrypted, or a kind of zip that Python does not know.
        raise _damaged(path, error) from error
    schema = header.get("schema") if isinstance(header, dict) else None
    if not isinstance(schema, int):
        raise _damaged(path, "no schema version")
    if schema != SCHEMA:
        raise StoreError(
            f"the model at {path} has schema version {schema}",
            allowed=f"version {SCHEMA}",
            do="Update autometa" if schema > SCHEMA else "Fit it again, with MetaLearner.fit",
        )
    if hashlib.sha256(blob).hexdigest() != header.get("sha256"):
        raise _damaged(path, "the checksum of its tensors does not match")
    try:
        scalars, curves = header["transfer"], header.get("chance")
        tensors = load_tensors(blob)
        return consistency.check(
            Learned(
                space=SearchSpace.from_json(header["space"]),
                tasks=tuple(map(str, header["tasks"])),
                meta_features=tuple(dict(m) for m in header["meta_features"]),
                transfer=None if scalars is None else _restore(tensors, scalars),
                chance=None if curves is None else _restore_chance(tensors, curves),
                licence=str(header.get("licence", "")),
                provenance=dict(header.get("provenance", {})),
                lineage=Lineage.from_json(header.get("lineage", {})),
            )
        )
    except (LookupError, TypeError, ValueError, ArithmeticError, AttributeError) as error:
        raise _damaged(path, error) from error
    except (SafetensorError, AutometaError) as error:
        raise _damaged(path, error) from error


def _member(archive: zipfile.ZipFile, name: str, most: int, path: Path) -> bytes:
    try:
        info = archive.getinfo(name)
    except KeyError:
        raise _damaged(path, f"no {name} in it") from None
    if info.file_size > most or info.compress_type != zipfile.ZIP_STORED:
        raise _damaged(path, f"{name} is compressed or larger than {most >> 20} MB")
    return archive.read(info)


def _damaged(path: Path, why: object) -> StoreError:
    return StoreError(
        f"{path} is not an undamaged autometa model: {why}", do="Save it again with MetaModel.save"
    )


def parts(model: Learned) -> tuple[dict[str, np.ndarray[Any, Any]], dict[str, Any]]:
    """What the model has learned: tensors by name, and the scalars of the header."""
    tensors, scalars = _flatten(model.transfer) if model.transfer is not None else ({}, None)
    chance = model.chance
    if chance is None:
        return tensors, {"transfer": scalars, "chance": None}
    tensors |= {f"chance.{part}": np.ascontiguousarray(getattr(chance, part)) for part in _CURVES}
    learned = {"threshold": chance.threshold, "tasks": chance.tasks}
    return tensors, {"transfer": scalars, "chance": learned}


def _restore_chance(
    tensors: dict[str, np.ndarray[Any, Any]], scalars: dict[str, Any]
) -> ImprovementChance:
    return ImprovementChance(
        threshold=float(scalars["threshold"]),
        tasks=int(scalars["tasks"]),
        **{part: tensors[f"chance.{part}"] for part in _CURVES},
    )


def _flatten(transfer: Transfer) -> tuple[dict[str, np.ndarray[Any, Any]], dict[str, Any]]:
    tensors: dict[str, np.ndarray[Any, Any]] = {
        "prior.mean": transfer.prior.mean,
        "prior.cov": transfer.prior.cov,
        "prior.heads": transfer.prior.heads,
        "residual.scales": transfer.residual.scales,
        "cold.scales": transfer.cold.scales,
        "similarity.values": transfer.similarity.values,
        "failure.weights": transfer.failure.weights,
        "catalogue.judges": transfer.catalogue.judges,
        "catalogue.unit": transfer.catalogue.unit,
        "catalogue.scores": transfer.catalogue.scores,
        "catalogue.regret": transfer.catalogue.regret,
    }
    for i, (weight, bias) in enumerate(transfer.basis.layers):
        tensors[f"basis.{i}.weight"], tensors[f"basis.{i}.bias"] = weight, bias
    if transfer.rates is not None:
        for part in _RATES:
            tensors[f"rates.{part}"] = getattr(transfer.rates, part)
    scalars = {
        "layers": len(transfer.basis.layers),
        "budgeted": transfer.basis.budgeted,
        "prior.noise": transfer.prior.noise,
        "failure.rate": transfer.failure.rate,
        "similarity.names": list(transfer.similarity.names),
        "similarity.width": transfer.similarity.width,
        "similarity.share": transfer.similarity.share,
        "log_slope": list(transfer.log_slope),
        "rates.widen": None if transfer.rates is None else transfer.rates.widen,
        **{
            f"{name}.{part}": getattr(getattr(transfer, name), part)
            for name in ("residual", "cold")
            for part in ("variance", "noise")
        },
    }
    return {k: np.ascontiguousarray(v) for k, v in tensors.items()}, scalars


def _restore(tensors: dict[str, np.ndarray[Any, Any]], scalars: dict[str, Any]) -> Transfer:
    def kernel(name: str) -> Kernel:
        return Kernel(
            scales=tensors[f"{name}.scales"],
            variance=float(scalars[f"{name}.variance"]),
            noise=float(scalars[f"{name}.noise"]),
        )

    centre, spread = scalars["log_slope"]
    widen = scalars.get("rates.widen")  # absent from models of earlier versions
    return Transfer(
        basis=Basis(
            layers=tuple(
                (tensors[f"basis.{i}.weight"], tensors[f"basis.{i}.bias"])
                for i in range(int(scalars["layers"]))
            ),
            budgeted=bool(scalars.get("budgeted", False)),
        ),
        prior=HeadPrior(
            mean=tensors["prior.mean"],
            cov=tensors["prior.cov"],
            noise=float(scalars["prior.noise"]),
            heads=tensors["prior.heads"],
        ),
        residual=kernel("residual"),
        cold=kernel("cold"),
        log_slope=(float(centre), float(spread)),
        similarity=Similarity(
            names=tuple(map(str, scalars["similarity.names"])),
            values=tensors["similarity.values"],
            width=float(scalars["similarity.width"]),
            share=float(scalars["similarity.share"]),
        ),
        failure=FailureRate(
            weights=tensors["failure.weights"], rate=float(scalars["failure.rate"])
        ),
        catalogue=Catalogue(
            judges=tensors["catalogue.judges"],
            unit=tensors["catalogue.unit"],
            scores=tensors["catalogue.scores"],
            regret=tensors["catalogue.regret"],
        ),
        rates=None
        if widen is None or "rates.counts" not in tensors
        else RateModel(widen=float(widen), **{part: tensors[f"rates.{part}"] for part in _RATES}),
    )
