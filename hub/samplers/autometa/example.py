"""Five finished studies of one kind, and a sixth that starts from them."""

from __future__ import annotations

import optuna
import optunahub


def objective(trial: optuna.Trial, best: float) -> float:
    """A bowl whose place differs a little from study to study."""
    x = trial.suggest_float("x", 0.0, 1.0)
    rate = trial.suggest_float("rate", 1e-4, 1.0, log=True)
    return (x - best) ** 2 + abs(rate - 0.01)


def main(package: object = None, n_trials: int = 10) -> optuna.Study:
    """Run it; `package` is the module where it was loaded already."""
    package = package or optunahub.load_module("samplers/autometa")
    finished = []
    for number in range(5):
        study = optuna.create_study(
            study_name=f"finished-{number}", sampler=optuna.samplers.RandomSampler(seed=number)
        )
        study.optimize(lambda trial, k=number: objective(trial, 0.6 + 0.02 * k), n_trials=30)
        finished.append(study)
    sampler = package.AutometaSampler(finished, seed=0)  # type: ignore[attr-defined]
    study = optuna.create_study(sampler=sampler)
    study.optimize(lambda trial: objective(trial, 0.65), n_trials=n_trials)
    return study


if __name__ == "__main__":
    found = main()
    print(found.best_value, found.best_params, found.best_trial.user_attrs)  # noqa: T201
