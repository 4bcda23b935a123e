"""What dates say beside how far apart they are: the time of the day, the week, the month, the year.

>>> import numpy as np
>>> parts_of(np.array([[0.75]]))  # 1970-01-01, a Thursday, at six in the evening
array([[0.75, 3.  , 1.  , 1.  ]])
"""

from __future__ import annotations

import numpy as np

from autometa.encoding import Floats

PARTS = 4
"""Columns that `parts_of` makes of one."""
_PERIODS = {0: 1.0, 1: 7.0, 3: 366.0}  # the day's, the week's and the year's, by the part
_FURTHEST = 3e6
"""Days from 1970 beyond which a number is no date: some eight thousand years."""


def parts_of(days: Floats) -> Floats:
    """Days since 1970 (n, m) as parts (n, 4 m), for trees; missing where the date is.

    They are the part of the day from 0 to 1, the day of the week from 0 (Monday), the day of the
    month and that of the year from 1.
    """
    known = np.abs(days) < _FURTHEST  # not where it is missing
    moments = np.where(known, days, 0.0)
    whole = np.floor(moments)
    dates = whole.astype(np.int64).astype("datetime64[D]")
    parts = [
        moments - whole,
        (whole + 3) % 7,
        (dates - dates.astype("datetime64[M]")).astype(np.float64) + 1,
        (dates - dates.astype("datetime64[Y]")).astype(np.float64) + 1,
    ]
    found: Floats = np.concatenate([np.where(known, part, np.nan) for part in parts], axis=1)
    return found


def cycles_of(days: Floats) -> Floats:
    """The day, the week and the year as points on circles (n, 6 m), for models of distances.

    The end of a day is then as near to its beginning as one minute to the next. A missing date is
    in the middle of all circles.

    >>> cycles_of(np.array([[0.25], [np.nan]]))[:, [0, 3]].round(3) + 0.0
    array([[1., 0.],
           [0., 0.]])
    """
    parts = parts_of(days).reshape(len(days), PARTS, -1)
    angles = [2 * np.pi * parts[:, part] / period for part, period in _PERIODS.items()]
    points = [turn(angle) for turn in (np.sin, np.cos) for angle in angles]
    found: Floats = np.nan_to_num(np.concatenate(points, axis=1), nan=0.0)
    return found
