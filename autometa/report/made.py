"""What a search handed over: the model and its members, the leaderboard, notes on the table."""

from __future__ import annotations

from html import escape

from autometa.report import page
from autometa.tuning.leaderboard import rows
from autometa.tuning.result import TuneResult

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
        facts.append(("score on the test table", page.number(result.test_score)))
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


def notes(result: TuneResult) -> str:
    """What was done to the table on the way in."""
    return "<ul>" + "".join(f"<li>{escape(note)}</li>" for note in result.table_notes) + "</ul>"
