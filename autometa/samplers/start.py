"""The start of a search: the zero-shot list, one item a trial, as far as it is needed.

It goes on until a trial has a result, however many are asked before that: eight workers get the
first eight items, and where the first three trials fail, the fourth has the fourth item. What was
enqueued by hand, what another sampler suggested and what is tried again has a place of its own: it
takes none of the list's, but no item is tried that some trial has tried already.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from autometa.meta.model import Candidate, MetaModel
from autometa.samplers.plan import SLOT, Plan, fixed_by_hand
from autometa.space import Config, SearchSpace
from autometa.storages import attributes
from autometa.suggest.pool import Pool
from autometa.suggest.stated import stated_first


class ZeroShotStart:
    """See the module.

    Args:
        model: Whose list it is.
        meta_features: Of the new task, where known.
        pool: The only configs that can be tried, where there is such a list.
        first: Items to prepare at once.
        within: What is searched, where it is known beforehand: no item lies outside of it.
        stated: A config, or part of one, that comes before all others; not where there is a pool.
    """

    def __init__(
        self,
        model: MetaModel,
        meta_features: Mapping[str, float] | None,
        pool: Pool | None,
        first: int,
        *,
        within: SearchSpace | None = None,
        stated: Config | None = None,
    ) -> None:
        self._within, self._stated = within, stated or {}
        self._model, self._meta_features, self._pool = model, meta_features, pool
        self._length = 0
        self._items: tuple[Candidate, ...] = ()
        self._reach(first)

    def next(self, taken: Slots, others: Sequence[FrozenTrial]) -> Plan | None:
        """The plan of a trial that has an item of the list; None where the list is used up.

        Args:
            taken: Places that other trials have, and those to be left to them.
            others: All other trials of the study.
        """
        tried = [params for trial in others for params in _tried(trial)]
        place, skipped = -1, 0
        while True:
            place += 1
            if place >= len(self._items) and not self._reach(2 * place + 1):
                return None
            item = self._items[place]
            if place in taken.places or any(item.config.items() <= p.items() for p in tried):
                continue
            if skipped == taken.yielded:
                rule = "portfolio" if item.expected == item.expected else "default"
                return Plan(rule, item.config, {SLOT: place, "reason": item.reason})
            skipped += 1

    def _reach(self, length: int) -> bool:
        """Prepare so many items; whether that made the list longer."""
        before = len(self._items)
        if length > self._length:
            items = self._model.warm_start(
                length, meta_features=self._meta_features, within=self._within
            )
            if self._pool is None:
                items = stated_first(items, self._stated, self._within or self._model.space)
            else:
                items = self._pool.moved(items, self._model.space)
            self._length, self._items = length, tuple(items)
        return len(self._items) > before


class Slots:
    """Places of the start's list that trials other than one have.

    Args:
        study: The study.
        trial: The one to be decided.
        trials: All trials of the study.
    """

    def __init__(
        self, study: optuna.Study, trial: FrozenTrial, trials: Sequence[FrozenTrial]
    ) -> None:
        places = {
            other.number: place
            for other in trials
            if other.number != trial.number
            and isinstance(place := attributes.read(study, other, SLOT), int)
            and not other.user_attrs.get(attributes.DROPPED)
            and not _cut_short(study, other)
        }
        self.places: Collection[int] = set(places.values())
        own = attributes.read(study, trial, SLOT)
        # Two processes that took one place at the same moment both move on; the later trial by one
        # place more, or they would meet again.
        self.yielded = sum(n < trial.number and place == own for n, place in places.items())

    def __len__(self) -> int:
        return len(self.places)


def _cut_short(study: optuna.Study, trial: FrozenTrial) -> bool:
    """Whether it failed before it could say what it would try: then its place is free again."""
    return (
        trial.state == TrialState.FAIL
        and not trial.params
        and attributes.read(study, trial, "config") is None
    )


def _tried(trial: FrozenTrial) -> Iterator[Mapping[str, Any]]:
    """What a trial has, and what it was enqueued with; nothing where it was interrupted."""
    if not trial.user_attrs.get(attributes.DROPPED):
        yield trial.params
        if not trial.state.is_finished():
            yield fixed_by_hand(trial)
