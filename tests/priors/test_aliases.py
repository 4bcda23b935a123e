"""What the libraries' documentation calls things; each row is from the page named in `aliases`."""

from __future__ import annotations

import pytest

from autometa.priors.aliases import ALIASES, ASKED, OTHERS
from autometa.priors.meanings import families_knowing, is_prefixed_by, meaning

from .families import FAMILIES, space_of

DOCUMENTED = {
    "lightgbm": """
        num_iterations=n_estimators num_iteration=n_estimators n_iter=n_estimators
        num_tree=n_estimators num_trees=n_estimators num_round=n_estimators
        num_rounds=n_estimators nrounds=n_estimators num_boost_round=n_estimators
        max_iter=n_estimators shrinkage_rate=learning_rate eta=learning_rate
        num_leaf=num_leaves max_leaves=num_leaves max_leaf=num_leaves max_leaf_nodes=num_leaves
        min_data_in_leaf=min_child_samples min_data_per_leaf=min_child_samples
        min_data=min_child_samples min_samples_leaf=min_child_samples
        bagging_fraction=subsample sub_row=subsample bagging=subsample
        feature_fraction=colsample_bytree sub_feature=colsample_bytree
        lambda_l1=reg_alpha l1_regularization=reg_alpha
        lambda_l2=reg_lambda lambda=reg_lambda l2_regularization=reg_lambda
        extra_tree=extra_trees is_unbalance=class_weight unbalanced_sets=class_weight""",
    "xgboost": """
        eta=learning_rate min_split_loss=gamma lambda=reg_lambda alpha=reg_alpha
        num_boost_round=n_estimators num_round=n_estimators nrounds=n_estimators
        max_depth=max_depth min_child_weight=min_child_weight""",
    "catboost": """
        iterations=n_estimators num_boost_round=n_estimators num_trees=n_estimators
        eta=learning_rate max_depth=depth reg_lambda=l2_leaf_reg rsm=colsample_bylevel
        auto_class_weights=class_weight""",
    "hist_gradient_boosting": """
        n_estimators=max_iter num_leaves=max_leaf_nodes min_child_samples=min_samples_leaf
        reg_lambda=l2_regularization l2_leaf_reg=l2_regularization""",
    "random_forest": "criterion=impurity max_features=width_power ntree=n_estimators",
    "extra_trees": "criterion=impurity max_features=width_power mtry=width_power",
    "svm": "cost=C gamma=gamma",
    "linear": "lr=eta0 n_epochs=epochs",
    "k_nearest_neighbors": "k=n_neighbors p=metric",
    "mlp": """
        learning_rate_init=learning_rate max_iter=epochs n_epochs=epochs solver=optimizer
        hidden_size=width num_layers=depth wd=weight_decay dropout_rate=dropout""",
}
ROWS = [
    (family, *pair.split("=")) for family, pairs in DOCUMENTED.items() for pair in pairs.split()
]


def test_there_are_enough_of_them() -> None:
    assert len({(family, alias) for family, alias, own in ROWS if alias != own}) >= 60


@pytest.mark.parametrize(("family", "alias", "own"), ROWS)
def test_an_alias_of_the_documentation_is_known(family: str, alias: str, own: str) -> None:
    names = space_of(family).names
    for form in (alias, f"clf__{alias}", f"step__model.{alias}", alias.upper()):
        assert meaning(family, form, names).own == (own,), form


@pytest.mark.parametrize("family", FAMILIES)
def test_the_tables_speak_of_parameters_that_there_are(family: str) -> None:
    known = ALIASES[family].keys() | {"max_features", "min_impurity_decrease", "max_bins"}
    there = set(space_of(family).names) - {"scaling", "pca", "variance", "waves"}
    assert there <= known
    said = [alias for own in ALIASES[family] for alias in ALIASES[family][own].split()]
    assert not set(said) & OTHERS.get(family, {}).keys()
    assert not set(said) & (ASKED.get(family, {}).keys() - {"learning_rate"})
    for own, others in ALIASES[family].items():
        if own in space_of(family).names:
            assert not set(others.split()) & set(space_of(family).names)


@pytest.mark.parametrize(
    ("family", "name"),
    [
        ("lightgbm", "max_depth"),
        ("lightgbm", "min_child_weight"),
        ("xgboost", "min_child_samples"),
        ("xgboost", "max_leaves"),
        ("random_forest", "max_leaf_nodes"),
    ],
)
def test_what_sounds_alike_and_is_not_is_said(family: str, name: str) -> None:
    found = meaning(family, f"clf__{name}", space_of(family).names)
    assert found.own == ()
    assert found.why


def test_a_prefix_is_the_familys_own_or_a_usual_one() -> None:
    names = space_of("random_forest").names
    assert meaning("random_forest", "rf_max_depth", names).own == ("max_depth",)
    assert meaning("random_forest", "model_max_depth", names).own == ("max_depth",)
    assert meaning("svm", "svc_c", space_of("svm").names).own == ("C",)
    assert meaning("random_forest", "xgb_max_depth", names).own == ()
    assert meaning("random_forest", "image_max_depth", names).own == ()
    assert is_prefixed_by("xgboost", "xgb__eta")
    assert not is_prefixed_by("xgboost", "lgb__eta")


def test_what_sounds_like_a_parameter_only_is_never_guessed() -> None:
    for name in ("learning_rte", "eta1", "momentum", "trees", "etas", ""):
        assert meaning("lightgbm", name, space_of("lightgbm").names).own == ()


def test_families_that_know_a_name() -> None:
    assert families_knowing("num_leaves") == ("lightgbm", "hist_gradient_boosting")
    assert families_knowing("nonsense") == ()
