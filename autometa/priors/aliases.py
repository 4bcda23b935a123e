"""What the libraries' own documentation calls the parameters of each family: plain data.

Sources: LightGBM "Parameters", XGBoost "XGBoost Parameters" and its Python and R interfaces,
CatBoost "Training parameters", the API reference of scikit-learn; for networks, which have no one
library, the words of scikit-learn, torch, Keras, skorch, timm and transformers. A family's own
names are those of its space; names that mean something else, however near they sound, stand in
`OTHERS`, and names of which one cannot know what they mean in `ASKED`.
"""

from __future__ import annotations

from collections.abc import Mapping

from autometa.space import Value

_RATE = "eta shrinkage_rate lr"
_STEP = "lr eta base_lr max_lr peak_lr max_learning_rate learning_rate_init"  # of a network
_BATCH = "train_batch_size minibatch_size batchsize bs per_device_train_batch_size"
_ADAM = {
    "learning_rate": _STEP,
    "beta1": "beta_1 adam_beta1 b1",
    "beta2": "beta_2 adam_beta2 b2",
}
_FOREST = {
    "n_estimators": "n_trees num_trees ntree",
    "width_power": "max_features mtry",
    "max_features": "mtry",
    "max_depth": "",
    "min_samples_split": "",
    "min_samples_leaf": "nodesize min_node_size",
    "max_samples": "",
    "bootstrap": "",
    "impurity": "criterion",
    "class_weight": "",
    "min_impurity_decrease": "",
}

ALIASES: Mapping[str, Mapping[str, str]] = {
    "lightgbm": {
        "learning_rate": _RATE,
        "n_estimators": "num_iterations num_iteration n_iter num_tree num_trees num_round "
        "num_rounds nrounds num_boost_round max_iter iterations",
        "num_leaves": "num_leaf max_leaves max_leaf max_leaf_nodes",
        "min_child_samples": "min_data_in_leaf min_data_per_leaf min_data min_samples_leaf",
        "subsample": "bagging_fraction sub_row bagging",
        "colsample_bytree": "feature_fraction sub_feature",
        "reg_lambda": "lambda_l2 lambda l2_regularization",
        "reg_alpha": "lambda_l1 l1_regularization",
        "extra_trees": "extra_tree",
        "class_weight": "is_unbalance unbalance unbalanced_sets",
    },
    "xgboost": {
        "learning_rate": _RATE,
        "n_estimators": "num_boost_round num_round nrounds num_trees iterations",
        "max_depth": "",
        "min_child_weight": "",
        "subsample": "",
        "colsample_bytree": "",
        "reg_lambda": "lambda",
        "reg_alpha": "alpha",
        "gamma": "min_split_loss",
        "class_weight": "",
    },
    "catboost": {
        "learning_rate": _RATE,
        "n_estimators": "iterations num_boost_round num_trees",
        "depth": "max_depth",
        "l2_leaf_reg": "reg_lambda",
        "random_strength": "",
        "subsample": "",
        "colsample_bylevel": "rsm",
        "one_hot_max_size": "",
        "class_weight": "auto_class_weights",
    },
    "hist_gradient_boosting": {
        "learning_rate": _RATE,
        "max_iter": "n_estimators n_iter num_iterations num_boost_round iterations",
        "max_leaf_nodes": "num_leaves max_leaves",
        "min_samples_leaf": "min_child_samples min_data_in_leaf",
        "l2_regularization": "reg_lambda lambda_l2 l2_leaf_reg",
        "max_features": "colsample_bynode",
        "max_bins": "max_bin border_count",
        "class_weight": "",
    },
    "random_forest": _FOREST,
    "extra_trees": _FOREST,
    "svm": {
        "kernel": "",
        "C": "cost",
        "gamma": "",
        "degree": "",
        "coef0": "",
        "tol": "",
        "class_weight": "",
    },
    "linear": {
        "solver": "",
        "C": "",
        "eta0": "lr",
        "alpha": "",
        "l1_ratio": "",
        "schedule": "learning_rate",
        "epochs": "n_epochs num_epochs",
        "average": "",
        "class_weight": "",
    },
    "k_nearest_neighbors": {
        "n_neighbors": "k n_neighbours neighbors",
        "weights": "",
        "metric": "p",
    },
    "mlp": {
        "learning_rate": "learning_rate_init lr eta",
        "batch_size": "train_batch_size minibatch_size batchsize",
        "epochs": "max_iter n_epochs num_epochs max_epochs n_epoch",
        "depth": "n_layers num_layers n_hidden_layers num_hidden_layers hidden_layers",
        "width": "hidden_size hidden_dim n_units num_units units hidden_units n_hidden",
        "dropout": "dropout_rate p_dropout dropout_prob drop_rate",
        "weight_decay": "wd",
        "optimizer": "solver optim",
        "momentum": "",
        "class_weight": "",
    },
    "torch_tabular": {
        "learning_rate": _STEP,
        "batch_size": _BATCH,
        "momentum": "sgd_momentum",
        "weight_decay": "wd",
        "depth": "n_layers num_layers n_hidden_layers num_hidden_layers hidden_layers layers",
        "width": "hidden_size hidden_dim n_units num_units units hidden_units n_hidden max_units",
        "dropout": "dropout_rate p_dropout dropout_prob drop_rate dropout_p max_dropout",
    },
    "finetune_image": {
        "learning_rate": _STEP,
        "weight_decay": "wd",
        "optimizer": "optim opt",
        "momentum": "sgd_momentum",
        "nesterov": "",
        "amsgrad": "",
        "scheduler": "lr_scheduler lr_scheduler_type schedule lr_schedule sched",
        "min_learning_rate": "min_lr eta_min lr_min",
        "warmup_multiplier": "",
        "warmup_epochs": "warm_up_epochs num_warmup_epochs warmup_epoch",
        "freeze_portion": "frozen_share freeze_share freeze_fraction",
        "batch_size": _BATCH,
        "image_size": "img_size resolution input_size imgsz",
        "steps_per_epoch": "",
    },
    "text_rnn": {
        **_ADAM,
        "epsilon": "eps adam_epsilon",
        "l1": "l1_reg l1_penalty",
        "l2": "l2_reg l2_penalty",
        "linear_decay": "",
        "exponential_decay": "",
    },
    "pretrain_lm": {
        **_ADAM,
        "weight_decay": "wd",
        "cooldown": "cooldown_fraction cooldown_ratio decay_fraction",
    },
}
"""Family -> its own parameter -> the other names of it, separated by spaces."""

OTHERS: Mapping[str, Mapping[str, str]] = {
    "lightgbm": {
        "max_depth": "a limit of depth is none of leaves, and no prior task had one",
        "min_child_weight": "the least sum of Hessians, not of rows (min_child_samples)",
        "min_sum_hessian_in_leaf": "the least sum of Hessians, not of rows (min_child_samples)",
        "bagging_freq": "prior tasks bagged at every iteration",
        "subsample_freq": "prior tasks bagged at every iteration",
        "feature_fraction_bynode": "columns of a node, not of a tree (colsample_bytree)",
        "colsample_bynode": "columns of a node, not of a tree (colsample_bytree)",
    },
    "xgboost": {
        "max_leaves": "a limit of leaves is none of depth (max_depth)",
        "min_child_samples": "XGBoost has no limit of rows, only of Hessians (min_child_weight)",
        "colsample_bylevel": "columns of a level, not of a tree (colsample_bytree)",
        "colsample_bynode": "columns of a node, not of a tree (colsample_bytree)",
        "scale_pos_weight": "a number; class_weight is 'balanced' or none",
    },
    "catboost": {
        "bagging_temperature": "of the Bayesian bootstrap; prior tasks sampled rows (subsample)",
        "min_data_in_leaf": "does nothing in the symmetric trees of prior tasks",
        "colsample_bytree": "CatBoost's is of a level (rsm, colsample_bylevel)",
    },
    "hist_gradient_boosting": {
        "max_depth": "a limit of depth is none of leaves (max_leaf_nodes)",
        "subsample": "it takes all rows at each iteration",
    },
    "random_forest": {"max_leaf_nodes": "a limit of leaves is none of depth (max_depth)"},
    "extra_trees": {"max_leaf_nodes": "a limit of leaves is none of depth (max_depth)"},
    "svm": {
        "nu": "a bound on the share of support vectors, not a cost (C)",
        "epsilon": "the tube of a regression, which no prior task varied",
    },
    "linear": {"tol": "when the solver stops, which no prior task varied"},
    "k_nearest_neighbors": {
        "leaf_size": "a matter of speed, not of what is predicted",
        "algorithm": "a matter of speed, not of what is predicted",
    },
    "mlp": {
        "hidden_layer_sizes": "depth and width in one; name them n_layers and n_units",
    },
    "torch_tabular": {"epochs": "prior tasks trained for 50, and were judged there"},
    "finetune_image": {
        "epochs": "prior tasks trained for as long as their time lasted",
        "warmup_ratio": "a share of all steps, where prior tasks count epochs (warmup_epochs)",
        "warmup_steps": "steps, where prior tasks count epochs (warmup_epochs)",
    },
    "text_rnn": {"weight_decay": "shrinks weights by the rate; prior tasks had penalties (l1, l2)"},
    "pretrain_lm": {
        "batch_size": "prior tasks had it follow from the number of tokens",
        "cooldown_steps": "steps, where prior tasks have a share of all steps (cooldown)",
    },
}
"""Family -> a name that its library knows -> why no parameter of the prior is that."""

ASKED: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "linear": {
        "alpha": ("C alpha", "1 / C of a ridge, or the penalty of SGD"),
        "max_iter": ("epochs", "epochs of SGD, or iterations of a solver that stops by itself"),
        "n_iter": ("epochs", "epochs of SGD, or iterations of a solver that stops by itself"),
        "learning_rate": ("eta0 schedule", "the rate of SGD as a number, or its schedule in words"),
    },
    "mlp": {
        "alpha": ("weight_decay", "a penalty in the loss; weight_decay shrinks by the rate alone"),
    },
}
"""Family -> a name of which one has to ask what it means -> (what it may be, in words)."""

FOREIGN: Mapping[str, str] = {
    "xgboost": "min_child_samples",
    "catboost": "colsample_bytree",
    "hist_gradient_boosting": "subsample",
}
"""Family -> names of `OTHERS` that its library has not, separated by spaces."""

MODELS: Mapping[str, Mapping[str, str]] = {
    "linear": {
        **dict.fromkeys(("ridge", "logreg", "logisticregression"), "solver C class_weight"),
        **dict.fromkeys(("sgd", "sgdclassifier", "sgdregressor"), "alpha eta0 schedule epochs"),
        **dict.fromkeys(("elasticnet", "enet", "lasso"), "alpha l1_ratio"),
    },
}
"""Family -> one of its models, as it stands before a name -> what a name that is asked may mean."""

TOGETHER: Mapping[str, Mapping[str, str]] = {
    "mlp": {"hidden_layer_sizes": "depth width"},
}
"""Family -> a name of `OTHERS` -> the family's own parameters that it decides together."""

RAN: Mapping[str, Mapping[str, Value]] = {
    "lightgbm": {
        **dict.fromkeys(("boosting_type", "boosting", "boost"), "gbdt"),
        **dict.fromkeys(("bagging_freq", "subsample_freq"), 1),
        "data_sample_strategy": "bagging",
        "max_depth": -1,
    },
    "xgboost": {"booster": "gbtree", "tree_method": "hist", "grow_policy": "depthwise"},
    "catboost": {
        "bootstrap_type": "MVS",
        "boosting_type": "Plain",
        "grow_policy": "SymmetricTree",
        "border_count": 254,
    },
    "hist_gradient_boosting": {"max_depth": None, "max_bins": 255, "early_stopping": False},
    "random_forest": {"max_leaf_nodes": None, "ccp_alpha": 0.0},
    "extra_trees": {"max_leaf_nodes": None, "ccp_alpha": 0.0},
    "svm": {"shrinking": True},
    "mlp": {"activation": "relu"},
}
"""Family -> a name that its library knows -> the value that it had in all prior tasks."""

PREFIXES: Mapping[str, str] = {
    "lightgbm": "lgb lgbm lightgbm gbm",
    "xgboost": "xgb xgboost",
    "catboost": "cb cat cbr cbc catboost",
    "hist_gradient_boosting": "hgb hgbt gbm histgradientboosting",
    "random_forest": "rf forest randomforest",
    "extra_trees": "et extratrees",
    "svm": "svc svr svm",
    "linear": "lr logreg ridge sgd linear logisticregression",
    "k_nearest_neighbors": "knn",
    "mlp": "mlp nn net module optimizer model",
    **dict.fromkeys(
        ("torch_tabular", "finetune_image", "text_rnn", "pretrain_lm"),
        "nn net module optimizer optim adam adamw sgd trainer training args model",
    ),
    "": "model clf reg classifier regressor estimator est params hp",
}
"""Family -> what people put before its parameters, as in `rf_max_depth`; "" for any."""
