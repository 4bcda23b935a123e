"""`autometa lr`: a learning rate for a training run of given sizes."""

from __future__ import annotations

from typing import Annotated

import typer

from autometa.cli.output import Format, FormatOption, show_json, show_table


def lr(
    params: Annotated[float, typer.Option(help="Trainable parameters, such as 124e6.")],
    tokens: Annotated[
        float | None, typer.Option(help="Tokens of text seen in total: a language model.")
    ] = None,
    samples: Annotated[
        float | None, typer.Option(help="Examples seen in total (rows x epochs), of anything else.")
    ] = None,
    batch_size: Annotated[
        float | None,
        typer.Option(help="Examples a step; with --tokens, sequences of 2,048 tokens."),
    ] = None,
    optimizer: Annotated[
        str, typer.Option(help="adam, adamw, nadam, sgd or sgd_momentum (momentum .9).")
    ] = "adamw",
    weight_decay: Annotated[float | None, typer.Option(help="Of AdamW.")] = None,
    pretrained: Annotated[bool, typer.Option(help="Whether it is fine-tuned.")] = False,
    form: FormatOption = Format.TABLE,
) -> None:
    """Suggest a peak learning rate, with its interval and the public runs that it rests on."""
    from autometa.inner.rate_suggestion import suggest_lr

    found = suggest_lr(
        n_params=params,
        n_tokens=tokens,
        samples=samples,
        batch_size=batch_size,
        optimizer=optimizer,
        weight_decay=weight_decay,
        pretrained=pretrained,
    )
    content = {
        "rate": found.rate,
        "log10": found.log10,
        "interval": list(found.interval),
        "basis": list(found.basis),
        "runs": found.runs,
        "notes": list(found.notes),
        "far": found.far,
    }
    if form is Format.JSON:
        show_json(content)
        return
    low, high = found.interval
    rows = [
        ["learning rate", f"{found.rate:.2g}"],
        ["80 % interval", f"{low:.2g} to {high:.2g}"],
        ["rests on", f"{found.runs:,} runs: {'; '.join(found.basis)}"],
        *[["note", note] for note in found.notes],
    ]
    show_table("Learning rate", ["", ""], rows)
