"""The start of a search: the zero-shot list, one item a trial, as far as it is needed.

It goes on until a trial has a result, however many are asked before that: eight workers get the
first eight items, and where the first three trials fail, the fourth has the fourth item. What was
enqueued by hand, what another sampler suggested and what is tried again has a place of its own: it
takes none of the list's, but no item is tried that some trial has tried already.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from autometa.meta.cost_model import CostModel
from autometa.meta.front_model import FrontModel
from autometa.meta.model import Candidate, MetaModel
from autometa.space import Config, SearchSpace
from autometa.suggest.pool import Pool
from autometa.suggest.stated import stated_first


class StartList:
    """See the module. It remembers the items that it has made, and depends on nothing else.

    Args:
        model: Whose list it is.
        meta_features: Of the new task, where known.
        pool: The only configs that can be tried, where there is such a list.
        within: What is searched, where it is known beforehand: no item lies outside of it.
        stated: A config, or part of one, that comes before all others; not where there is a pool.
        ready: Items to prepare at once.
    """

    def __init__(
        self,
        model: MetaModel | FrontModel | CostModel,
        meta_features: Mapping[str, float] | None = None,
        *,
        pool: Pool | None = None,
        within: SearchSpace | None = None,
        stated: Config | None = None,
        ready: int = 0,
    ) -> None:
        self._within, self._stated = within, stated or {}
        self._model, self._meta_features, self._pool = model, meta_features, pool
        self._length = 0
        self._items: tuple[Candidate, ...] = ()
        self._reach(ready)

    def next(
        self, places: Collection[int], had: Callable[[Config], bool], yielded: int = 0
    ) -> tuple[int, Candidate] | None:
        """The place and the item that a trial gets; None where the list is used up.

        Args:
            places: Places that other trials have.
            had: Whether another trial has tried a config.
            yielded: How many further items to leave to others.
        """
        place, skipped = -1, 0
        while True:
            place += 1
            if place >= len(self._items) and not self._reach(2 * place + 1):
                return None
            item = self._items[place]
            if place in places or had(item.config):
                continue
            if skipped == yielded:
                return place, item
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
                items = self._pool.moved(items)
            self._length, self._items = length, tuple(items)
        return len(self._items) > before
