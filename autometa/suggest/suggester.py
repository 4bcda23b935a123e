"""suggest: what to try next, from all that is known and nothing else."""

from __future__ import annotations

from dataclasses import replace

from autometa.suggest.rules import RULES, anywhere
from autometa.suggest.setup import Setup
from autometa.suggest.situation import Situation
from autometa.suggest.suggestion import ENQUEUED, Suggestion
from autometa.threads import one_blas_thread


def suggest(setup: Setup, now: Situation) -> Suggestion:
    """What a trial should try, by the first of the `rules` that applies.

    The same arguments give the same suggestion, in any process and at any time. What the user
    enqueued is kept; the rest of such a trial is decided as any other.

    Args:
        setup: What stays the same during the search.
        now: What is known when the trial is decided.

    Returns:
        The config, whole or in part, with the rule and its reason.
    """
    if not now.given:
        return _by_rules(setup, now)
    if now.space.project(now.given) is not None:
        return Suggestion(rule="enqueued", config=dict(now.given), reason=ENQUEUED)
    return _by_rules(setup, now).around(now.given)


def _by_rules(setup: Setup, now: Situation) -> Suggestion:
    with one_blas_thread():
        for rule in RULES:
            found = rule(setup, now)
            if found is not None:
                return found
    raise AssertionError("the last rule always applies")


def elsewhere(setup: Setup, now: Situation, taken: Suggestion) -> Suggestion:
    """A random config in the place of one that others keep taking at the same moment."""
    return replace(taken, config=anywhere(setup, now), reason="", notes={})
