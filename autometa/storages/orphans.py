"""Running trials whose worker is dead: given back, so that another worker repeats their configs.

Two kinds are not seen by Optuna's heartbeats: trials in a storage without them, which a parent
gives back for the workers that it saw die; and trials whose worker died before it had put its name
to them, which nobody will ever finish.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import count
from typing import TYPE_CHECKING

from optuna.trial import FrozenTrial, TrialState

from autometa.storages.attributes import WORKER, repeated
from autometa.storages.connect import patiently, retry

if TYPE_CHECKING:
    from optuna.study import Study

UNNAMED = 15.0  # seconds that a worker has to put its name to a trial: to decide its config
POLL = 0.3  # seconds


def release(study: Study, number: int, *, hidden: bool = False) -> bool:
    """Fail a running trial that nobody will finish, and queue its config again.

    Outages of the storage are waited for. One may hide that the trial was failed: a config that
    nobody queues within UNNAMED seconds of that is queued too.

    Args:
        study: Its study.
        number: The trial's.
        hidden: Whether an outage may have hidden that we failed it.

    Returns:
        False where another process did it before, or it was finished after all.
    """
    attempts = count(int(hidden))

    def fail() -> FrozenTrial | None:
        perhaps_ours = next(attempts) > 0
        try:
            return study.tell(number, state=TrialState.FAIL)
        except (ValueError, RuntimeError):  # finished meanwhile
            return _unqueued(study, number) if perhaps_ours else None

    failed = patiently(fail)
    if failed is None:
        return False
    retry(study, failed)
    return True


def _unqueued(study: Study, number: int) -> FrozenTrial | None:
    """A failed trial whose config nobody queues."""
    end = time.monotonic() + UNNAMED
    while True:
        trials = study.get_trials()
        if trials[number].state != TrialState.FAIL or number in repeated(trials):
            return None
        if time.monotonic() >= end:
            return trials[number]
        time.sleep(POLL)


def give_back(study: Study, which: Callable[[FrozenTrial], bool]) -> int:
    """Release the running trials of a kind; how many."""
    return sum(release(study, trial.number) for trial in _running(study) if which(trial))


def give_back_unnamed(study: Study) -> int:
    """Release trials that name no worker and go on doing so for UNNAMED seconds; how many.

    Where a slow worker is taken for a dead one, the trial that repeats its config counts.
    """
    unnamed = {t.number for t in _running(study) if WORKER not in t.user_attrs}
    end = time.monotonic() + UNNAMED
    while unnamed and time.monotonic() < end:
        time.sleep(POLL)
        unnamed &= {t.number for t in _running(study) if WORKER not in t.user_attrs}
    if not unnamed:
        return 0
    return give_back(study, lambda t: t.number in unnamed and WORKER not in t.user_attrs)


def _running(study: Study) -> list[FrozenTrial]:
    return patiently(lambda: study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)))
