"""What a search handed over: the model and its members, the leaderboard, notes on the table."""

from __future__ import annotations

from html import escape

from autometa import plots
from autometa.report import page
from autometa.report.drawing import figure
from autometa.tuning.leaderboard import rows
from autometa.tuning.result import TuneResult
from autometa.tuning.worth import FIRST, worth

_SHOWN = 20  # rows of the leaderboard


def model(result: TuneResult) -> str:
    """The members with their weights, and how well they do."""
    if not result.members:
        return "<p>No model was fitted.</p>"
    facts = []
    if result.ensemble_score is not None:
        facts.append(
            ("score on held-out rows, which chose the weights", page.number(result.ensemble_score))
        )
    if result.test_score is not None:
        facts.append(("score on the test rows", page.number(result.test_score)))
    if result.default_test_score is not None:
        untuned = page.number(result.default_test_score)
        facts.append(("the best untuned default there", untuned))
    cut = result.threshold
    if cut is not None:
        facts.append(("labels cut apart, on rows without a part in it", page.number(cut.nested)))
        facts.append(("the most probable label instead", page.number(cut.plain)))
    members = [
        (f"{weight:.3f}", trial.child, str(trial.number), page.number(trial.value), trial.reason)
        for trial, weight in result.members
    ]
    notes = "".join(f"<p>{escape(sentence)}</p>" for sentence in result.notes)
    header = ("weight", "family", "trial", "score", "why it was tried")
    return page.pairs(facts) + page.table(header, members) + notes


def leaderboard(result: TuneResult) -> str:
    """The best trials of all families."""
    listed = [
        (
            str(row["rank"]),
            row["family"],
            str(row["trial"]),
            page.number(row["score"]),
            page.number(row["spread"]),
            f"{row['weight']:.3f}" if row["weight"] else "",
            page.number(row["seconds"]),
            row["rule"],
        )
        for row in rows(result.warm, result.members)[:_SHOWN]
        if row["score"] is not None
    ]
    header = ("rank", "family", "trial", "score", "± folds", "weight", "seconds", "rule")
    return page.table(header, listed) if listed else "<p>No trial succeeded.</p>"


def held_out(result: TuneResult) -> str:
    """How reliable its probabilities are, or its residuals, on held-out rows."""
    assert result.held_out is not None
    said = "whose rows were trained on by other folds only; the members' weights have seen them."
    return f"<p>Held-out predictions of the members, {said}</p>" + figure(
        plots.plot_held_out(result)
    )


def prior_worth(result: TuneResult) -> str:
    """The first trials by what was learned beside the libraries' defaults; "" where unknown."""
    found = worth(result.warm)
    if found is None:
        return ""
    reached = "none of them" if found.trials is None else page.count(found.trials, "trial")
    return page.pairs(
        [
            (
                f"best of the first {FIRST} trials by what was learned ({found.start.child})",
                page.number(found.start.value),
            ),
            (
                f"best of {page.count(found.defaults, 'library default')} ({found.default.child})",
                page.number(found.default.value),
            ),
            ("trials by what was learned to be as good as that", reached),
        ]
    )


def notes(result: TuneResult) -> str:
    """What was done to the table on the way in."""
    return "<ul>" + "".join(f"<li>{escape(note)}</li>" for note in result.table_notes) + "</ul>"
