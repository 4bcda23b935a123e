from __future__ import annotations

import optuna
import pytest

from autometa import children
from autometa.samplers.asking import config_of, suggest


@pytest.mark.parametrize("child", children.names())
@pytest.mark.parametrize("prefix", ["", "here."])
def test_a_suggested_config_is_valid_and_reads_back(child: str, prefix: str) -> None:
    space = children.get(child).space
    sampler = optuna.samplers.RandomSampler(seed=0)
    study = optuna.create_study(sampler=sampler)
    seen = set()
    for _ in range(20):
        trial = study.ask()
        config = suggest(trial, space, prefix=prefix)
        assert config == space.check(config)
        study.tell(trial, 0.0)
        seen.add(tuple(config))
        assert config_of(study.trials[-1].params, space, prefix=prefix) == config
        assert study.trials[-1].distributions == {
            prefix + n: space.distributions[n] for n in config
        }
    assert len(seen) > 1 or not space.conditions
