"""Would this have helped me? The user's own studies, searched again with what the others knew.

Each study is held out in turn: autometa learns from all the others and searches the held-out one,
beside Optuna's cold search, the best configs of the others tried first, random search, and the
order in which the user really tried them. Every method chooses among the recorded configs only
(see `autometa.bench.pool`), so nothing is trained and nothing is guessed.

    regret      (best recorded - best so far) / (best recorded - median recorded): 0 is the best of
                the study, 1 its median config; see `bench.summary`
    first n     n is at most half of the smallest study: in the end any order has tried everything
    verdict     from the mean regret over the first n trials of autometa minus that of the cold
                search, and its 95 % bootstrap interval over studies: below 0 it would have helped,
                above 0 it would have hurt, across 0 it would not have helped

What a replay cannot say: a config that was never tried has no value, so a better one that a warm
search would have found does not count; and studies that were themselves searched by a good sampler
hold few bad configs, which makes a cold search among them look better than it is.

    suite        studies as a suite of comparisons     searching   each searched by every method
    found        the records and the verdict           figure      their picture

`autometa.replay` is the function, which is why this folder has another name.
"""

from autometa.replaying.found import Replay, StudyReplay
from autometa.replaying.searching import replay

__all__ = ["Replay", "StudyReplay", "replay"]
