"""Small mistakes in lines that decide what is fitted, searched or suggested, and who finds each.

A test that no mistake can fail shows nothing. Each `Mutant` is a mistake that somebody could make;
`tests` are those of the room that must notice it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mutant:
    """One mistake.

    Args:
        name: What is wrong, in words.
        path: The file, below the root of the checkout.
        old: The text in it, there once.
        new: What stands there by mistake.
        tests: What pytest is given; at least one of these tests has to fail.
    """

    name: str
    path: str
    old: str
    new: str
    tests: tuple[str, ...]


_FAMILIES = ("tests/children/test_families.py",)
_OF = {"_forest": "random_forest", "_coded": "lightgbm"}  # families that a file serves


def _ignored(family: str, old: str, new: str, what: str = "class_weight") -> Mutant:
    return Mutant(
        f"{family} ignores {what}",
        f"autometa/children/families/{family}.py",
        old,
        new,
        (*_FAMILIES, "-k", f"every_parameter and {_OF.get(family, family)}"),
    )


_BALANCED = 'balanced = config["class_weight"] == "balanced"'
_WEIGHT = 'None if config["class_weight"] == "none" else "balanced"'

CHILDREN = (
    _ignored("_coded", _BALANCED, "balanced = False"),
    _ignored("hist_gradient_boosting", f"weight = {_WEIGHT}", "weight = None"),
    _ignored("_forest", f"weight = {_WEIGHT}", "weight = None"),
    _ignored("_forest", 'criterion=config["impurity"]', 'criterion="gini"', "impurity"),
    _ignored("svm", f"weight = {_WEIGHT}", "weight = None"),
    _ignored("linear", '"balanced" if config.get("class_weight") == "balanced" else None', "None"),
    _ignored("k_nearest_neighbors", 'weights=config["weights"]', 'weights="uniform"', "weights"),
    _ignored("k_nearest_neighbors", 'metric=config["metric"]', 'metric="euclidean"', "metric"),
    Mutant(
        "no column says what was missing",
        "autometa/children/preparation.py",
        "add_indicator=schema.missing",
        "add_indicator=False",
        ("tests/children/test_preparation.py",),
    ),
    Mutant(
        "no cap on categories",
        "autometa/children/preparation.py",
        "max_categories=MAX_CATEGORIES",
        "max_categories=None",
        ("tests/children/test_preparation.py",),
    ),
    Mutant(
        "no cap on codes",
        "autometa/children/preparation.py",
        "max_categories=MAX_CODES",
        "max_categories=None",
        _FAMILIES,
    ),
    Mutant(
        "an ensemble keeps the last weights, not the best",
        "autometa/children/ensemble.py",
        "return kept / kept.sum(), best",
        "return counts / counts.sum(), best",
        ("tests/children/test_ensemble.py",),
    ),
    Mutant(
        "classes that a model has not seen move its probabilities",
        "autometa/children/ensemble.py",
        "full[:, np.searchsorted(classes, model.classes_)] = known",
        "full[:, : known.shape[1]] = known",
        ("tests/children/test_ensemble.py",),
    ),
)

META = (
    Mutant(
        "EM forgets that heads are uncertain",
        "autometa/meta/parts/prior.py",
        "scatter = centred.T @ centred + spread.sum(0)",
        "scatter = centred.T @ centred",
        ("tests/meta/test_prior.py",),
    ),
    Mutant(
        "EM's noise without the heads' spread",
        "autometa/meta/parts/prior.py",
        '            + np.einsum("tij,tji->t", grams, spread)\n',
        "",
        ("tests/meta/test_prior.py",),
    ),
    Mutant(
        "EM takes the folds' noise for the task's",
        "autometa/meta/parts/prior.py",
        "unseen**2 * residuals + unseen * counts * known",
        "unseen * residuals + unseen * counts * known",
        ("tests/meta/test_prior.py",),
    ),
    Mutant(
        "the prior's weights do not sum to one",
        "autometa/meta/parts/prior.py",
        "start + (tilt - tilt.mean()) / count",
        "start + tilt / count",
        ("tests/meta/test_prior.py",),
    ),
    Mutant(
        "a diverged trial flattens the others",
        "autometa/meta/data/standard.py",
        "near = below <= apart[1 + jumps[0]]",
        "near = below >= 0.0",
        ("tests/meta/test_standard.py",),
    ),
)

SEARCH = (
    Mutant(
        "no trial is cold by turn",
        "autometa/suggest/policy.py",
        "return number >= self.cold_from and (number - self.cold_from) % self.cold_every == 0",
        "return False",
        ("tests/suggest",),
    ),
    Mutant(
        "a search that the prior misleads never goes cold",
        "autometa/suggest/rules.py",
        "    if not posterior.uses_transfer:\n",
        "    if False:\n",
        ("tests/suggest", "tests/samplers/test_sampler.py"),
    ),
    Mutant(
        "failed trials are suggested again",
        "autometa/suggest/observations.py",
        "[unit, failed, running]",
        "[unit, running]",
        ("tests/suggest",),
    ),
    Mutant(
        "running trials are suggested again",
        "autometa/suggest/observations.py",
        "[unit, failed, running]",
        "[unit, failed]",
        ("tests/suggest",),
    ),
    Mutant(
        "the base sampler's own hook is left out",
        "autometa/samplers/sampler.py",
        "            self._base.before_trial(study, trial)\n",
        "            pass\n",
        ("tests/samplers",),
    ),
    Mutant(
        "reseeding reaches no base sampler",
        "autometa/samplers/sampler.py",
        "            self._base.reseed_rng()\n",
        "            pass\n",
        ("tests/samplers",),
    ),
)

TUNING = (
    Mutant(
        "the model is one of default parameters",
        "autometa/tuning/ensembling.py",
        "child.model(child.space.check(trial.config), table.schema, seed)",
        "child.model(dict(child.space.defaults), table.schema, seed)",
        ("tests/tuning/test_ensembling.py",),
    ),
    Mutant(
        "members' weights do not sum to one where one could not be fitted",
        "autometa/tuning/ensembling.py",
        "Member(t.number, dict(t.config), w / whole, model)",
        "Member(t.number, dict(t.config), w, model)",
        ("tests/tuning/test_ensembling.py",),
    ),
    Mutant(
        "the folder of a portfolio is not read",
        "autometa/cli/tune.py",
        'name for name in portfolio or ["embedded"] if name != "none"',
        'name for name in ["embedded"] if name != "none"',
        ("tests/cli/test_tune.py",),
    ),
    Mutant(
        "the lightest members come first",
        "autometa/tuning/ensembling.py",
        'np.argsort(-weights, kind="stable")',
        'np.argsort(weights, kind="stable")',
        ("tests/tuning/test_ensembling.py",),
    ),
    Mutant(
        "weights of members that were cut off are lost",
        "autometa/tuning/ensembling.py",
        "float(weights[j] / whole)) for j in order",
        "float(weights[j])) for j in order",
        ("tests/tuning/test_ensembling.py",),
    ),
)

MUTANTS = (*CHILDREN, *META, *SEARCH, *TUNING)
