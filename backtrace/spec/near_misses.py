"""The word that a misspelled one was probably meant to be."""

from __future__ import annotations

from collections.abc import Iterable


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
