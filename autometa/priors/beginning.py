"""How a search starts, in one line: from which prior tasks, or cold and why.

The line goes to Optuna's own log, beside "A new study created": what `optuna.logging.set_verbosity`
silences, it silences here too. A cold start in spite of a prior is a warning there. The study keeps
the line as its user attribute "autometa:start".
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import optuna

from autometa.priors.near import near_parameters
from autometa.showing import counted, few
from autometa.space.values import Value, listed

START = "autometa:start"
COLD = "starts cold"  # how the line of a cold start begins
NAMES = "autometa:names"  # user attribute of a study: what a family made of its names, as lines


@dataclass(frozen=True, kw_only=True)
class Beginning:
    """What a search knows before its first trial.

    Args:
        tasks: Prior tasks that taught something.
        trials: Their trials, where known.
        metrics: What these measured, where known.
        known: Parameters that prior tasks know.
        searched: Parameters that are searched; empty where only the trials will tell.
        lacking: How many of the tasks do not know a parameter that others know.
        unused: Prior tasks that could not be used.
        lost: Which of their trials could not be used, and why; "" where all could.
        renaming: What to say where parameters may have been renamed.
        held: Parameters that prior tasks know and that are not searched -> their values.
        why: Why the search starts cold; "" where it does not.

    >>> str(Beginning(tasks=2, trials=80, metrics=("auc",), known=("lr",), searched=("lr", "n")))
    'starts from 2 prior tasks (80 trials; auc), which know 1 of 2 parameters (not n)'
    >>> str(Beginning(tasks=9, unused=3, known=("lr",), searched=("lr",), lacking={"lr": 4}))
    'starts from 9 of 12 prior tasks, which know 1 of 1 parameters (lr by 5 of them)'
    >>> str(Beginning(why="no prior was given"))
    'starts cold, because no prior was given'
    """

    tasks: int = 0
    trials: int | None = None
    metrics: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    searched: tuple[str, ...] = ()
    lacking: Mapping[str, int] = field(default_factory=dict)
    unused: int = 0
    lost: str = ""
    renaming: str = ""
    held: Mapping[str, Value] = field(default_factory=dict)
    why: str = ""

    @property
    def cold(self) -> bool:
        """Whether no prior task has a say."""
        return bool(self.why)

    def __str__(self) -> str:
        if self.why:
            return f"{COLD}, because {self.why}" + (f": {self.lost}" if self.lost else "")
        trials = "" if self.trials is None else counted(self.trials, "trial")
        about = "; ".join(part for part in (trials, few(self.metrics)) if part)
        some = f"{self.tasks} of " if self.unused else ""
        tasks = some + counted(self.tasks + self.unused, "prior task") + f" ({about})" * bool(about)
        verb = "know" if self.tasks != 1 else "knows"
        if not self.searched:
            return f"starts from {tasks}, which {verb} {few(self.known)}"
        missing = [n for n in self.searched if n not in self.known]
        count = f"{len(self.searched) - len(missing)} of {len(self.searched)} parameters"
        rare = {n: self.tasks - k for n, k in self.lacking.items() if n in self.searched}
        gaps = [f"not {few(missing)}"] if missing else []
        gaps += [few(f"{name} by {count} of them" for name, count in rare.items())] if rare else []
        rest = f" ({'; '.join(gaps)}{self.renaming})" if gaps else ""
        if self.held:
            rest += f", at {few([f'{name} = {value}' for name, value in self.held.items()])}"
        rest += f"; {self.lost}" if self.unused and self.lost else ""
        return f"starts from {tasks}, which {verb} {count}{rest}"


def say(
    study: optuna.Study,
    beginning: Beginning,
    *,
    asked: bool = True,
    names: Sequence[str] = (),
) -> None:
    """Note in the study how it starts, and log it; a cold start is news where a prior was asked."""
    study.set_user_attr(START, str(beginning))
    if names:
        study.set_user_attr(NAMES, list(names))
    _tell(f"study {study.study_name!r}", beginning, asked=asked)


def say_of_sampler(beginning: Beginning, names: Sequence[str] = ()) -> None:
    """Log how searches by a sampler start that has seen no study yet, and what was matched."""
    _tell("searches by this sampler", beginning, asked=True, verb="start", names=names)


def _tell(
    who: str,
    beginning: Beginning,
    *,
    asked: bool,
    verb: str = "starts",
    names: Sequence[str] = (),
) -> None:
    logger = optuna.logging.get_logger("optuna.autometa")
    tell = logger.warning if beginning.cold and asked else logger.info
    tell(f"autometa: {who} {verb}{str(beginning).removeprefix('starts')}")
    for line in names:
        logger.info(f"autometa: {line}")


def say_unheard(study: optuna.Study, known: Collection[str], asked: Collection[str]) -> None:
    """Say, once a study, that its trials ask for nothing that the prior knows."""
    why = (
        f"the prior knows {listed(known)}, none of which the trials ask for: they ask for "
        f"{listed(asked)}{renaming(known, asked)}"
    )
    if study.user_attrs.get(START) != str(Beginning(why=why)):
        say(study, Beginning(why=why))


def say_renaming(study: optuna.Study, unasked: Collection[str], unknown: Collection[str]) -> None:
    """Say, once a study, that what its trials ask for may be what the prior calls otherwise.

    A family's own names are no longer those of a prior, but of libraries: NAMES tells of them.
    """
    hint = renaming(unasked, unknown)
    if not hint or NAMES in study.user_attrs or hint in study.user_attrs.get(START, ""):
        return
    line = f"no prior task knows {listed(unknown)}{hint}"
    study.set_user_attr(START, "; ".join(filter(None, [study.user_attrs.get(START), line])))
    logger = optuna.logging.get_logger("optuna.autometa")
    logger.info(f"autometa: study {study.study_name!r}: {line}")


def renaming(known: Collection[str], asked: Collection[str]) -> str:
    """What to say where parameters of a prior may have been renamed; "" where none may."""
    near = near_parameters(known, asked)
    return f"; say renamed={near} and space= to create_study, if that is meant" if near else ""
