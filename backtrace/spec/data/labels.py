"""Class labels → one-hot rows."""

from __future__ import annotations

import numpy as np

from backtrace.spec.data.request import Array, DataError, DataType, Loaded


def one_hot(loaded: Loaded, classes: int, dtype: DataType) -> Array:
    """n × ``classes``, a 1 at the label of each row; labels are 0 … classes − 1.

    Raises DataError for several columns, and for the first label that is none of these.
    """
    if loaded.values.shape[1] != 1:
        found = f"{loaded.values.shape[1]} columns"
        raise DataError(found, "one column of labels for `one_hot`", "Choose it: `columns: 1`.")
    labels = loaded.values[:, 0]
    wrong = np.flatnonzero((labels != np.floor(labels)) | (labels < 0) | (labels >= classes))
    if len(wrong):
        found = f"the label {labels[wrong[0]]:g} in {loaded.place(int(wrong[0]))}"
        mend = "`one_hot` is the number of classes; labels count from 0."
        raise DataError(found, f"whole numbers from 0 to {classes - 1}", mend)
    rows = np.zeros((len(labels), classes), dtype)
    rows[np.arange(len(labels)), labels.astype(np.intp)] = 1
    return rows
