"""`autometa warm`: the first configs of a search over your own space, and what was matched."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from autometa.cli.adapting import pairs
from autometa.cli.output import Format, FormatOption, show_json, show_table
from autometa.cli.progress import busy, note
from autometa.errors import InputError


def warm(
    prior: Annotated[
        str, typer.Argument(help="A family (xgboost), or a portfolio, model, studies: file or URL.")
    ],
    space: Annotated[
        Path,
        typer.Option(help='JSON: {"eta": {"low": 0.01, "high": 0.3, "log": true}, "grow": ["a"]}.'),
    ],
    trials: Annotated[int, typer.Option(min=1, max=100, help="How many configs.")] = 5,
    metric: Annotated[
        str | None, typer.Option(help="Of the search, such as log_loss: prior tasks count by it.")
    ] = None,
    fixed: Annotated[
        list[str] | None,
        typer.Option(help="NAME=VALUE: what else the model is given; repeat for several."),
    ] = None,
    renamed: Annotated[
        list[str] | None,
        typer.Option(help="OLD=NEW: a name of the prior, and yours for it; repeatable."),
    ] = None,
    data: Annotated[
        str | None, typer.Option(help="A CSV or Parquet file, or sklearn:NAME: for units, kind.")
    ] = None,
    target: Annotated[str | None, typer.Option(help="Column of the data to predict.")] = None,
    seed: Annotated[int, typer.Option(help="Of the fit.")] = 0,
    output: FormatOption = Format.TABLE,
) -> None:
    """Say what to try first in your own space: names, units and ranges are matched."""
    from autometa.cli.reading import read_table
    from autometa.cli.space_file import read_space
    from autometa.priors.knowing import known_of, wish_of
    from autometa.priors.prior_model import fit_known, must_help
    from autometa.space.rules import Rules

    if target is not None and data is None:
        raise InputError("--target without --data", allowed="both, or neither")
    asked = read_space(space)
    table = None if data is None else read_table(data, target, None, None)
    wish = wish_of(
        space=asked,
        metric=metric,
        data=table,
        fixed=pairs(fixed, "--fixed", "NAME=VALUE"),
        rules=Rules(renamed={o: str(n) for o, n in pairs(renamed, "--renamed", "OLD=NEW").items()}),
    )
    with busy("fitting the prior"):
        known = known_of(prior, wish)
        fitted = must_help(fit_known(known, asked, seed=seed, empty="the prior holds no tasks"))
    features = None if wish.data is None else wish.data.meta_features
    found = fitted.model.warm_start(trials, meta_features=features, within=asked)
    start = f"a search {fitted.beginning}"
    if output is Format.JSON:
        configs = [{"config": c.config, "expected": c.expected, "reason": c.reason} for c in found]
        show_json({"prior": prior, "start": start, "names": list(known.lines), "configs": configs})
        return
    for line in (start, *known.lines):
        note(line)
    show_table(
        f"start of {prior}",
        ["trial", *asked.names, "why"],
        [[i, *(c.config.get(n) for n in asked.names), c.reason] for i, c in enumerate(found)],
    )
