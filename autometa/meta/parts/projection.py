"""Projection: a study's configs as the prior tasks would have seen them.

The basis is a function of the prior's unit configs, a study has a space of its own. So each config
of the study is written as configs of the prior:

    in both, inside the prior's range      the same value
    ... outside of it                      the nearest bound: the basis is flat beyond, and the
                                           residual process, which lives in the study's own space,
                                           carries what happens there
    a choice that the prior does not have  unknown
    of the prior alone                     unknown: the study has it fixed somewhere
    of the study alone                     not seen by the basis; the residual process carries it,
                                           with a length scale of its own and more variance

What is unknown is marginalised over the best configs of the prior tasks, since what is not tuned is
usually left where it works: phi(x) = mean_k phi(x, z_k). The model is linear in phi, so that its
prediction is then the mean over them.

Shapes: m configs, d unit columns of the study, e of the prior, K stand-ins, q parameters.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from autometa.encoding import Floats
from autometa.meta.parts.kernel import usual_scale
from autometa.meta.spaces.candidates import Candidates
from autometa.meta.spaces.links import Link, link
from autometa.space import SearchSpace

STAND_INS = 8


@dataclass(frozen=True, eq=False)
class Projection:
    """See the module.

    Args:
        prior: The space of the prior tasks.
        study: The space of the study.
        stand_ins: Good configs of the prior tasks, (K, e), every parameter with a value.
    """

    prior: SearchSpace
    study: SearchSpace
    stand_ins: Floats = field(repr=False)

    def __call__(self, unit: Floats) -> Floats:
        """Configs of the prior, (K, m, e), that stand for those of the study, (m, d)."""
        rows = np.repeat(self.stand_ins[:, None], len(unit), axis=1)
        for name, linked in self._links.items():
            columns, known = linked.forward(unit[:, self.study.slices[name]])
            known &= self._active(unit, name)
            rows[:, known, self.prior.slices[name]] = columns[known]
        settled = Candidates(self.prior).settle(rows.reshape(-1, self.prior.dim))
        return settled.reshape(rows.shape)

    def pull_back(self, unit: Floats, gradient: Floats) -> Floats:
        """Derivatives by the prior's columns (m, e) -> by the study's numbers (m, d)."""
        result = np.zeros_like(unit)
        for name, linked in self._links.items():
            slope = linked.slope(unit[:, self.study.slices[name]])
            if slope is not None:
                by = slope * gradient[:, self.prior.slices[name]]
                result[:, self.study.slices[name]] = by * self._active(unit, name)[:, None]
        return result

    def back(self, unit: Floats) -> Floats:
        """Configs of the prior (m, e) in the study's columns, (m, d); NaN where they say nothing.

        Values outside of the study's ranges are moved to the nearest bound.
        """
        found = np.full((len(unit), self.study.dim), np.nan)
        for name, linked in self._links.items():
            columns, known = linked.backward(unit[:, self.prior.slices[name]])
            if name in self.prior.flags:
                known &= unit[:, self.prior.flags[name]] > 0.5
            found[known, self.study.slices[name]] = columns[known]
        return found

    def scales(self, learned: Floats) -> Floats:
        """Length scales (d,) of a kernel of the study's, given those of the prior's, (e,).

        A range of half the size doubles the scale, in units of the range; what the prior does not
        know gets the usual one.
        """
        usual = usual_scale(self.study.dim)
        result = np.full(self.study.dim, usual)
        for name, linked in self._links.items():
            result[self.study.slices[name]] = linked.scales(learned[self.prior.slices[name]], usual)
            if name in self.study.flags and name in self.prior.flags:
                result[self.study.flags[name]] = learned[self.prior.flags[name]]
        return result

    @cached_property
    def unknown(self) -> float:
        """Share of the study's space, by parameters, that the prior does not know, in [0, 1]."""
        known = sum(linked.share for linked in self._links.values())
        return 1.0 - known / len(self.study.names)

    def _active(self, unit: Floats, name: str) -> NDArray[np.bool_]:
        if name not in self.study.flags:
            return np.ones(len(unit), dtype=bool)
        active: NDArray[np.bool_] = unit[:, self.study.flags[name]] > 0.5
        return active

    @cached_property
    def _links(self) -> dict[str, Link]:
        """Of the parameters that both have, as far as any value of one is one of the other."""
        found = {
            name: link(distribution, self.prior.distributions[name])
            for name, distribution in self.study.distributions.items()
            if name in self.prior.distributions
        }
        return {name: linked for name, linked in found.items() if linked is not None}

    @cached_property
    def certain(self) -> bool:
        """Whether every config of the study says all that the prior asks of it."""
        return (
            self._links.keys() == self.prior.distributions.keys()
            and all(linked.certain for linked in self._links.values())
            and _parents(self.study) == _parents(self.prior)
        )


def _parents(space: SearchSpace) -> dict[str, str]:
    return {name: parent for name, (parent, _) in space.conditions.items()}


def project(prior: SearchSpace, study: SearchSpace, best: Floats) -> Projection:
    """The projection of a study's space.

    Args:
        prior: The space of the prior tasks.
        study: The space of the study.
        best: Configs of the prior tasks, (m, e), the best first, at least one.
    """
    stand_ins = best[:STAND_INS].copy()
    for name, flag in prior.flags.items():
        # Where a stand-in's own parent switches a parameter off, the study's may switch it on.
        columns, on = prior.slices[name], best[best[:, flag] > 0.5]
        if len(on):
            stand_ins[stand_ins[:, flag] < 0.5, columns] = on[0, columns]
    found = Projection(prior, study, stand_ins)
    return Projection(prior, study, stand_ins[:1]) if found.certain else found
