"""`autometa report`: one HTML page of a study or of benchmark results."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from autometa.cli.output import Format, FormatOption, check_writable, show_json
from autometa.cli.progress import busy
from autometa.cli.storage import STORAGE, load_study, studies_of
from autometa.errors import InputError, StoreError
from autometa.reading import parse_json, read_bytes

if TYPE_CHECKING:
    from autometa.storages.sources import FoundStudy
    from autometa.tuning.result import TuneResult

REPORT = Path("report.html")


def report(
    subject: Annotated[
        str,
        typer.Argument(
            metavar="STUDY|JSON",
            help="Name of a study (with --storage), or a results file of autometa bench.",
        ),
    ],
    into: Annotated[Path, typer.Option("--output", "-o", help="HTML page to write.")] = REPORT,
    storage: Annotated[
        str | None,
        typer.Option(help=STORAGE),
    ] = None,
    cold: Annotated[
        str | None,
        typer.Option(help="Study to compare with. Default: STUDY-cold, if there is one."),
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option(help="The meta-model behind the study, a file of MetaModel.save."),
    ] = None,
    output: FormatOption = Format.TABLE,
) -> None:
    """Write one self-contained page of a study, or of benchmark results."""
    check_writable(into, subject, storage, model)
    if storage is None and (cold is not None or model is not None):
        raise InputError("--cold and --model are about a study", allowed="them with --storage URL")
    with busy("writing the report"):
        from autometa.report import write_report

        if storage is None:
            written = write_report(_results(subject), into)
        else:
            with studies_of(storage) as studies:
                written = write_report(_study(subject, studies, cold, model), into)
    if output is Format.JSON:
        show_json({"report": str(written)})
    else:
        typer.echo(f"report: {written}")


def _study(
    name: str, studies: Mapping[str, FoundStudy], cold: str | None, model: Path | None
) -> TuneResult:
    from autometa.meta import MetaModel
    from autometa.tuning.reading import read_study

    study = load_study(name, studies)
    if cold is None and f"{name}-cold" in studies:
        cold = f"{name}-cold"
    return read_study(
        study,
        cold=None if cold is None else load_study(cold, studies),
        model=None if model is None else MetaModel.load(model),
    )


def _results(file: str) -> Mapping[str, Any]:
    path = Path(file)
    if not path.is_file():
        raise InputError(
            f"{file!r} is no file",
            allowed="a results file of autometa bench, or the name of a study with --storage URL",
            do=f"autometa report STUDY --storage {file}" if "://" in file else "",
        )
    from autometa.bench import record_file, show

    try:
        found = parse_json(read_bytes(path))
    except (OSError, ValueError) as error:
        raise StoreError(f"{file} cannot be read: {error}") from error
    inner = isinstance(found, dict) and "records" in found
    return record_file.read(path) if inner else show.load(path)
