"""Everything that speaks Optuna: the sampler, the pruner, studies created, watched and fed back."""
