"""The marks of a sheet by the course's policy, and which of a student's sheets counts."""

from __future__ import annotations

from collections.abc import Sequence

from backtrace.check.model import Judged, Report, Score
from backtrace.spec.ids import At
from backtrace.spec.model import Marks

PLAIN = Marks()


def score(quantities: Sequence[Judged], policy: Marks | None) -> Score:
    """The points of a sheet."""
    found = points(quantities, policy)
    return Score(sum(each.points for each in found), sum(each.of for each in found))


def points(quantities: Sequence[Judged], policy: Marks | None) -> list[Score]:
    """The points of each quantity: without ``points`` of its own it has one an entry; with a
    ``total`` they are scaled to that."""
    policy = policy or PLAIN
    first = next((each for each in quantities if each.verdict == "wrong"), None)
    of_each = [_worth(each, policy) for each in quantities]
    whole = sum(of_each)
    scale = 1.0 if policy.total is None or not whole else float(policy.total) / whole
    found = []
    for each, of in zip(quantities, of_each, strict=True):
        share = _share(each, policy, counts=not policy.only_first_mistake or each is first)
        found.append(Score(of * scale * share, of * scale))
    return found


def _worth(judged: Judged, policy: Marks) -> float:
    """The points that a quantity may earn; none where all its entries are left out of account."""
    entries = judged.possible - _omitted(judged, policy)
    return worth(judged.name, judged.id, entries, policy) if entries > 0 else 0.0


def worth(name: str, id: str, entries: float, policy: Marks) -> float:
    """The points, not scaled to a total, of a quantity of so many entries."""
    named = policy.points.get(name, policy.points.get(str(At(id))))
    return entries if named is None else float(named)


def _share(judged: Judged, policy: Marks, *, counts: bool = True) -> float:
    """The share of its points that a quantity earns. ``counts``: whether what is wrong in it costs;
    what a mistake made before spares it costs what the policy says."""
    entries = judged.possible - _omitted(judged, policy)
    if entries <= 0:
        return 0.0
    earned = judged.earned - float(policy.repeated) * judged.spared
    if not counts:
        earned = judged.earned + judged.count("wrong") - judged.spared
    return min(max(earned / entries, 0.0), 1.0)


def _omitted(judged: Judged, policy: Marks) -> int:
    """Entries that count for nothing, neither way."""
    if not judged.possible:
        return 0
    return sum(verdict in policy.omitted for line in judged.entries for verdict in line)


def counted(reports: Sequence[Report], policy: Marks | None) -> list[int]:
    """The indices of the sheets that count, where a student has handed in several: the last, the
    first or the best as the policy says. Without a policy all of them do."""
    if policy is None:
        return list(range(len(reports)))
    of: dict[tuple[str, ...], list[int]] = {}
    for at, report in enumerate(reports):
        of.setdefault(report.identity, []).append(at)
    return sorted(_one(group, reports, policy) for group in of.values())


def _one(group: list[int], reports: Sequence[Report], policy: Marks) -> int:
    if policy.submissions == "best":
        return max(group, key=lambda at: reports[at].score.points)
    return group[0] if policy.submissions == "first" else group[-1]
