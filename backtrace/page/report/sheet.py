"""One student's sheet as a page: what stands, the mistakes, the key on request, the notes."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from backtrace.page.blocks import (
    Answer,
    Block,
    Bullets,
    Cell,
    Column,
    Document,
    Labelled,
    Paragraph,
    Section,
    Table,
)
from backtrace.page.elision import is_large
from backtrace.page.report.content import (
    UNEXPLAINED,
    Expected,
    Finding,
    Findings,
    Rows,
    opening,
    sentence,
    shown,
)
from backtrace.spec.wording import listed

MOST_ENTRIES = 12  # entries of a large matrix that are listed


def document(findings: Findings) -> Document:
    """The whole sheet."""
    blocks = tuple(_blocks(findings))
    return Document(findings.heading, blocks, findings.standing, symbols=findings.symbols)


def _blocks(findings: Findings) -> Iterator[Block]:
    if findings.groups:
        yield Section("", (_verdicts(findings),))
    for _, alike in groupby(findings.mistakes, _once):
        same = tuple(alike)
        heading = "The first mistake" if same[0].first else "Another mistake"
        together = _repeated if same[0].causes else _unexplained
        told = _mistake(same[0]) if len(same) == 1 else together(same)
        yield Section("", tuple(told), heading=heading)
    if findings.expected:
        astray = (each for each in findings.expected if not each.right)
        yield Section("Expected", tuple(map(_expected, astray)))
    if findings.notes:
        notes = tuple(Paragraph(note, "fact", 1) for note in findings.notes)
        yield Section("", notes, heading="Notes")


def _verdicts(findings: Findings) -> Table:
    rows = (
        (
            Cell(group.label, group.verdict),
            Cell(" ".join(group.names)),
            Cell(group.remark, "fact"),
        )
        for group in findings.groups
    )
    return Table((Column("", left=True),) * 3, tuple(rows), "wraps")


def _once(finding: Finding) -> str:
    """What is said once of neighbours: that they repeat a mistake, or that none is known; of any
    other itself alone."""
    if finding.causes == () and not finding.first and not finding.judged.alike:
        return "unexplained"
    repeats = len(finding.causes or ()) == 1 and finding.judged.repeated
    return f"as {repeats}" if repeats else f"at {finding.judged.name}"


def _unexplained(findings: tuple[Finding, ...]) -> Iterator[Block]:
    """Several lines of which no more is known; whole ones by their names alone."""
    places = [finding.where if _wrong(finding) else finding.symbol for finding in findings]
    yield Paragraph(f"{'; '.join(places)}: {UNEXPLAINED}.", "mistake")


def _repeated(findings: tuple[Finding, ...]) -> Iterator[Block]:
    """Where the same mistake was made again; the same cause on one line, the advice once."""
    places: dict[str, list[str]] = {}
    for finding in findings:
        for cause in finding.causes or ():
            places.setdefault(cause.named, []).append(finding.where)
    for named, where in places.items():
        yield Paragraph(f"{'; '.join(where)}: {named}.", "mistake")
    advice = (line for each in findings for cause in each.causes or () for line in cause.advice)
    yield from (Paragraph(line, "advice", 2) for line in dict.fromkeys(advice))


def _mistake(finding: Finding) -> Iterator[Block]:
    yield Paragraph(opening(finding), "mistake")
    causes = finding.causes or ()
    if len(causes) > 1:
        yield Bullets(tuple(sentence(cause.named, *cause.advice) for cause in causes), inset=2)
    rows: list[tuple[Cell, str]] = []
    if finding.causes is not None and finding.first:
        written = shown(finding.judged.written)
        if is_large((len(written), max(map(len, written), default=0))):
            rows.append((Cell("You wrote"), _wrong_entries(finding, written)))
        else:
            rows_written = (("You wrote", written),)
            yield Answer(finding.judged.id, finding.symbol, rows_written, _wrong(finding))
    if finding.working is not None:
        worked = f"{finding.working.left} = {finding.working.right} = ?"
        rows += [(Cell("The rule is"), finding.working.rule), (Cell("With your numbers"), worked)]
    if rows:
        yield Labelled(tuple(rows), of="formulas")
    if len(causes) == 1:
        yield from (Paragraph(advice, "advice", 2) for advice in causes[0].advice)


def _wrong(finding: Finding) -> frozenset[tuple[int, int]]:
    """The wrong entries, where others are not."""
    wrong = finding.judged.places("wrong")
    everything = len(wrong) == sum(map(len, finding.judged.entries))
    return frozenset() if everything else frozenset(wrong)


def _wrong_entries(finding: Finding, written: Rows) -> str:
    places = [(i, j) for i, j in finding.judged.places("wrong") if i <= len(written)]
    texts = [f"[{i},{j}] = {written[i - 1][j - 1]}" for i, j in places]
    rest = len(texts) - MOST_ENTRIES
    more = [f"{rest} more"] if rest > 0 else []
    return finding.symbol + listed([*texts[:MOST_ENTRIES], *more], "and")


def _expected(each: Expected) -> Answer:
    """What was written beside what was expected."""
    rows: list[tuple[str, Rows]] = [("you wrote", each.written), ("expected", each.as_written)]
    rows += [("more exactly", each.precise)] if each.says_more else []
    return Answer(each.id, each.symbol, tuple(row for row in rows if any(map(len, row[1]))))
