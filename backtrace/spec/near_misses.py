"""The word that a misspelled one was probably meant to be."""

from __future__ import annotations

from collections.abc import Iterable

SHORTEST, LONG = 4, 9  # letters of a name in which a slip is told, and in which two are


def near_miss(word: str, known: Iterable[str]) -> str:
    """The known word that ``word`` was probably meant to be, or an empty string."""
    from difflib import get_close_matches  # costs more than the rest of this module

    names = list(known)
    folded = {name.lower().replace("-", "_"): name for name in names}
    key = word.strip().lower().replace("-", "_").replace(" ", "_")[:60]
    begun = [name for name in folded if len(key) > 2 and name.startswith(key)]
    if key in folded or len(begun) == 1:
        return folded[key if key in folded else begun[0]]
    matches = get_close_matches(key, folded, n=1, cutoff=0.6)
    return folded[matches[0]] if matches else ""


def misspelled(word: str, known: Iterable[str]) -> str:
    """The known name that ``word`` is with a slip of the keyboard; an empty string otherwise.

    Stricter than ``near_miss``, where another name would be another thing (``relu6``, ``rmse``):
    the first letter and the digits are right, and one letter is wrong, or two of a long word.
    """
    key = word.lower()
    return next((name for name in known if _is_slip(key, name.lower().replace("_", ""))), "")


def _is_slip(key: str, name: str) -> bool:
    if key[:1] != name[:1] or _digits(key) != _digits(name):
        return False
    if len(name) < SHORTEST:
        return sorted(key) == sorted(name)
    return _slips(key, name) <= (1 if len(name) < LONG else 2)


def _digits(word: str) -> str:
    return "".join(filter(str.isdigit, word))


def _slips(one: str, other: str) -> int:
    """How many letters are left out, added, replaced, or exchanged with the next one."""
    rows = [list(range(len(other) + 1))]
    for i, letter in enumerate(one, 1):
        row = [i]
        for j, wanted in enumerate(other, 1):
            steps = [rows[-1][j] + 1, row[j - 1] + 1, rows[-1][j - 1] + (letter != wanted)]
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == wanted:
                steps.append(rows[-2][j - 2] + 1)
            row.append(min(steps))
        rows.append(row)
    return rows[-1][-1]
