"""Policy: how the trials of a search are shared out between the prior tasks and a cold search."""

from __future__ import annotations

from dataclasses import dataclass

from autometa.meta.inference.hypotheses import HYPOTHESES, Hypothesis
from autometa.suggest.acquisition import Acquisition
from autometa.suggest.acquisitions.expected_improvement import EXPECTED_IMPROVEMENT


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What the rules go by; the defaults were chosen on development tasks.

    Args:
        warm_trials: First trials that take the zero-shot start as it is. Two to five did alike.
            Going on with the start as results come, the prior tasks weighed by how they foresaw
            them, was level over 80 development tasks of four suites: until ten results it took .10
            (standard error .05) off the regret after ten trials on staircase-mindware, did nothing
            on lcbench and staircase-zap, and added .03 (.01) after fifteen on rbv2_xgboost, worse
            on eight tasks and better on one. Sharing trials between start and posterior by which
            of them had found better configs (Thompson sampling) was tried on 16 tasks of two suites
            only, without a gain over taking turns.
        cold_from: First trial that may be cold by turn.
        cold_every: Every how many trials one is cold by turn; 0 = never, which gives up the bound.
        failing: From how many failures on, where nothing has succeeded, every second trial is cold:
            the start's configs are alike in what makes them good, and so in what makes them fail.
        active_trials: Scored trials that a suggestion looks at, at most: it keeps a suggestion as
            quick after 10,000 trials as after 200. With 96, a cold search took a tenth less time,
            and its regret after 220 trials was .008 larger (standard error .008; 8 searches).
        hypotheses: Explanations of the task that compete.
        narrowed: Whether half of the random candidates take their inner rates from the interval
            that earlier tasks predict. Off: the posterior knows as much, and on 23 development
            tasks (lcbench) narrowing cost .02 of regret after ten trials.
        acquisition: What a config promises, by what is believed of it; also of cold trials.
        front_directions: Along how many directions a gain of several objectives is measured, see
            `acquisitions.hypervolume`; one is a random scalarisation.
        cost_power: To which power seconds count, where they are searched for too, see `cost`.
    """

    warm_trials: int = 3
    cold_from: int = 8
    cold_every: int = 4
    failing: int = 6
    active_trials: int = 128
    hypotheses: tuple[Hypothesis, ...] = HYPOTHESES
    narrowed: bool = False
    acquisition: Acquisition = EXPECTED_IMPROVEMENT
    front_directions: int = 48
    cost_power: float = 0.5

    def cold_by_turn(self, number: int) -> bool:
        """Whether the trial of this number ignores the prior tasks whatever they say."""
        if not self.cold_every:
            return False
        return number >= self.cold_from and (number - self.cold_from) % self.cold_every == 0

    def cold_by_failures(self, number: int, failed: int) -> bool:
        """The same, where nothing has succeeded so far and so many trials have failed."""
        return bool(self.cold_every) and failed >= self.failing and number % 2 == 0

    def competing(self, *, cold: bool) -> tuple[Hypothesis, ...]:
        """The hypotheses of a trial: all, or those that ask no prior task."""
        return tuple(h for h in self.hypotheses if not cold or h.arm == "cold")
