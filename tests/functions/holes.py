"""The holes of a formula of a table: what has to be put in before it can be printed."""

from backtrace.functions.formula import Hole, parts


def holes(formula):
    """The names of all ``Part`` in it."""
    if isinstance(formula, Hole):
        return {formula.name}
    return set().union(*map(holes, parts(formula)))
