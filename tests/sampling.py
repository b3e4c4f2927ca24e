"""How much of a large family of cases a run takes: a share of it, or all."""

from hypothesis import settings

ALL = 100  # examples of a property that does not say how many, where a run takes all
SOME = 25  # where it takes a share
GOLDEN = (5**0.5 - 1) / 2  # its multiples, less whole numbers, are in step with no parameter


def share(number):
    """How many of so many examples, seeds or turns the run takes, at least one."""
    return max(1, number * settings.default.max_examples // ALL)


def is_taken(place):
    """Whether the run takes the case at this place of its family, the first at 0."""
    return place * GOLDEN % 1 < settings.default.max_examples / ALL


def some(cases):
    """Those of the cases that the run takes, the same ones each time."""
    return [case for place, case in enumerate(cases) if is_taken(place)]
