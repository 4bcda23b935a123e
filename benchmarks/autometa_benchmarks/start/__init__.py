"""Suite `start`: what the first trials are worth before anything is known of the new task.

Lists of configs, made of prior tasks alone, are judged on tasks of families that were held out:

    start       what `MetaModel.warm_start` gives
    greedy      the greedy portfolio of the benchmarks, trees on each prior task as judges
    oracle      the greedy choice that knows the truth about prior tasks (nothing of the held-out
                ones): what the start would be if it judged prior tasks without error
    random      the mean over all orders of random, or of all recorded configs

Regret, in trials and in seconds of training, is that of `regret`; which tasks are held out from
which, `groups` says. Nothing is searched and no model but the meta-model trained, so
it takes minutes. Differences come with 95 % percentile intervals over resampled families.
"""
