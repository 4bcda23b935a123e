"""Expected improvement over the best trial, the default acquisition.

Jones, Schonlau and Welch, "Efficient global optimization of expensive black-box functions", 1998;
in logs, which keep a slope where the improvement is tiny: Ament et al., "Unexpected improvements to
expected improvement", 2023.
"""

from __future__ import annotations

from autometa.encoding import Floats
from autometa.meta.inference.posterior import Posterior
from autometa.suggest.acquisition import Acquisition
from autometa.suggest.observations import Observations


def _value(posterior: Posterior, observed: Observations, unit: Floats, features: Floats) -> Floats:
    return posterior.log_ei(unit, features)


def _slope(posterior: Posterior, observed: Observations, unit: Floats) -> tuple[Floats, Floats]:
    return posterior.log_ei_slope(unit)


EXPECTED_IMPROVEMENT = Acquisition(name="log expected improvement", value=_value, slope=_slope)
