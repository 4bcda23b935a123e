"""What `autometa bench` finds here. A new suite or method is one file and one entry below."""

from __future__ import annotations

from collections.abc import Iterable

from autometa.bench.collection import Collection, Listed
from autometa.bench.method import Method

_SUITES = f"{__package__}.suites"
_LCBENCH = "yahpo/lcbench"


def _methods() -> Iterable[Method]:
    from autometa_benchmarks.methods.cma_es import CMA_ES, WS_CMA_ES
    from autometa_benchmarks.methods.defaults import DEFAULTS
    from autometa_benchmarks.methods.rgpe import RGPE
    from autometa_benchmarks.methods.syne_tune import SYNE_TUNE

    return (DEFAULTS, CMA_ES, WS_CMA_ES, RGPE, *SYNE_TUNE)


COLLECTION = Collection(
    name=__package__,
    suites={
        "lcbench": Listed(home=f"{_SUITES}.lcbench:LCBench", data=_LCBENCH),
        "rbv2_xgboost": Listed(
            home=f"{_SUITES}.rbv2_xgboost:RBv2XGBoost", data="yahpo/rbv2_xgboost"
        ),
        "mindware": Listed(home=f"{_SUITES}.mindware:MindWare", data="mindware"),
        "staircase-zap": Listed(home=f"{_SUITES}.staircase:StaircaseZap", data="zap"),
        "staircase-mindware": Listed(
            home=f"{_SUITES}.staircase:StaircaseMindWare", data="mindware"
        ),
        "geoalgo-xgboost": Listed(home=f"{_SUITES}.geoalgo:GeoAlgoXGBoost", data="geoalgo"),
        "geoalgo-deepar": Listed(home=f"{_SUITES}.geoalgo:GeoAlgoDeepAR", data="geoalgo"),
        "hpob": Listed(home=f"{_SUITES}.hpob:HPOB"),
        "hpob-continuous": Listed(home=f"{_SUITES}.hpob:HPOBContinuous", needs="xgboost"),
        "tables": Listed(home=f"{_SUITES}.tables:Tables", data="tables"),
        "medicine": Listed(home=f"{_SUITES}.domains:Medicine", data="tables"),
        "education": Listed(home=f"{_SUITES}.domains:Education", data="tables"),
        "games": Listed(home=f"{_SUITES}.games:Games", needs="gymnasium"),
        "solver": Listed(home=f"{_SUITES}.solver:Solver", needs="ortools"),
        "adversarial": Listed(home=f"{_SUITES}.adversarial:AdversarialSynthetic"),
        "adversarial-lcbench": Listed(
            home=f"{_SUITES}.adversarial:AdversarialLCBench", data=_LCBENCH
        ),
        "narrower-lcbench": Listed(home=f"{_SUITES}.narrower:NarrowerLCBench", data=_LCBENCH),
        "narrower-rbv2_xgboost": Listed(
            home=f"{_SUITES}.narrower:NarrowerXGBoost", data="yahpo/rbv2_xgboost"
        ),
        "adapted-lcbench": Listed(home=f"{_SUITES}.adapted:AdaptedLCBench", data=_LCBENCH),
        "zap": Listed(home=f"{_SUITES}.zap:Zap", data="zap"),
    },
    methods=_methods,
)
