"""One student's sheet on a terminal: what stands, the first mistake worked out, the notes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from backtrace.check.model import MARK, Verdict
from backtrace.formats.measure import text_width, wrapped
from backtrace.formats.terminal.boxes import (
    ASCII,
    UNICODE,
    Block,
    Box,
    Line,
    Mark,
    Piece,
    joined,
    line_width,
    matrix,
)
from backtrace.formats.terminal.grid import equation, gallery
from backtrace.formats.terminal.layout import INDENT, Layout, formula_lines
from backtrace.page.elision import is_large
from backtrace.page.report_content import (
    Expected,
    Finding,
    Findings,
    Group,
    opening,
    sentence,
    shown,
)
from backtrace.page.report_phrases import ASCII_MARK
from backtrace.spec.wording import listed

STYLES: dict[str, str] = {
    "right": "green",
    "rounded": "green",
    "carried": "cyan",
    "wrong": "bold red",
    "malformed": "red",
    "unsupported": "yellow",
    "imprecise": "yellow",
    "missing": "yellow",
    "title": "bold",
    "heading": "bold",
    "mistake": "bold",
    "label": "dim",
    "bracket": "dim",
    "rule": "dim",
    "fact": "dim",
    "note": "dim",
}
LABEL = 19  # columns of "With your numbers" and the space behind it
ROOMY = 72  # columns; on less a label stands above what is too long to stand beside it
NARROW = 16  # columns; a remark with less room than this goes on a line of its own
MOST_ENTRIES = 12  # entries of a large matrix that are listed


def lines(findings: Findings, page: Layout) -> list[Line]:
    """The whole sheet, in lines no wider than the page."""
    found = page.spread([(findings.heading, "title")], [(findings.standing, "heading")])
    found += [[], *verdicts(findings.groups, page)] if findings.groups else []
    for finding in findings.mistakes:
        found += [[], *mistake(finding, page)]
    if findings.expected:
        found += [[], *page.rule("Expected"), *key(findings.expected, page)]
    if findings.notes:
        found.append([])
        for note in findings.notes:
            found += page.paragraph(note, "note", 1)
    return found


def mark(verdict: Verdict, page: Layout) -> str:
    return MARK[verdict] if page.unicode else ASCII_MARK[verdict]


# The verdicts


def verdicts(groups: Sequence[Group], page: Layout) -> list[Line]:
    """`` ✓ right  z₁ a₁  as the key``: a row a group, folded where it is too wide."""
    word = max(len(group.verdict) for group in groups) + 2
    names = [page.say(" ".join(group.names)) for group in groups]
    room = page.width - 3 - word
    column = min(max(map(text_width, names)), max(12, room * 2 // 5))
    rest = room - column - 2
    found: list[Line] = []
    for group, text in zip(groups, names, strict=True):
        head: Line = [(f" {mark(group.verdict, page)} ", group.verdict)]
        head.append((group.verdict.ljust(word), group.verdict))
        remark = page.say(group.remark)
        found += _row(head, wrapped(text, column), remark, column, rest)
    return found


def _row(head: Line, names: list[str], remark: str, column: int, rest: int) -> list[Line]:
    margin = " " * sum(text_width(part) for part, _ in head)
    beside = wrapped(remark, rest) if rest >= NARROW else []
    rows: list[Line] = []
    for at in range(max(len(names), len(beside))):
        name = names[at] if at < len(names) else ""
        line: Line = [*head] if at == 0 else [(margin, "")]
        line.append((name, "name"))
        if at < len(beside) and beside[at]:
            line += [(" " * (column - text_width(name) + 2), ""), (beside[at], "fact")]
        rows.append(line)
    if remark and not beside:
        rows += [[(margin + part, "fact")] for part in wrapped(remark, column + rest + 2)]
    return rows


# A mistake


def mistake(finding: Finding, page: Layout) -> list[Line]:
    found = page.paragraph(opening(finding), "mistake", 0)
    causes = finding.causes or ()
    if len(causes) > 1:
        for cause in causes:
            found += _bullet(sentence(cause.named, *cause.advice), page)
    if finding.causes is not None and finding.first:
        found += written(finding, page)
    if finding.working is not None:
        worked = f"{finding.working.left} = {finding.working.right} = ?"
        found += _labelled("The rule is", finding.working.rule, page)
        found += _labelled("With your numbers", worked, page)
    if len(causes) == 1:
        for advice in causes[0].advice:
            found += page.paragraph(advice, "advice")
    return found


def _bullet(words: str, page: Layout) -> list[Line]:
    first, *more = page.paragraph(words, "", INDENT + 2)
    sign = page.say("·") if page.unicode else "-"
    text = "".join(part for part, _ in first).lstrip()
    return [[(" " * INDENT + f"{sign} {text}", "")], *more]


def _labelled(label: str, formula: str, page: Layout) -> list[Line]:
    """A label, and beside it a formula folded before its signs."""
    formula, room = page.say(formula), page.width - INDENT - LABEL
    if text_width(formula) > room and page.width < ROOMY:
        below = formula_lines(formula, page.width - INDENT - 2)
        return [_label(label), *([(" " * (INDENT + 2) + part, "")] for part in below)]
    found: list[Line] = []
    for at, part in enumerate(formula_lines(formula, room)):
        beside = label.ljust(LABEL) if at == 0 else " " * LABEL
        found.append([(" " * INDENT, ""), (beside, "label"), (part, "")])
    return found


def _label(label: str) -> Line:
    return [(" " * INDENT, ""), (label, "label")]


def written(finding: Finding, page: Layout) -> list[Line]:
    """``You wrote  δ₂ = [0.751  -0.230]``; of a large matrix the wrong entries."""
    rows = shown(finding.judged.written)
    if is_large((len(rows), max(map(len, rows), default=0))):
        return _labelled("You wrote", _entries(finding, rows), page)
    return _matrix(finding.symbol, rows, page)


def _entries(finding: Finding, rows: Sequence[Sequence[str]]) -> str:
    found = finding.judged.places("wrong")
    texts = [f"[{i},{j}] = {rows[i - 1][j - 1]}" for i, j in found if i <= len(rows)]
    rest = len(texts) - MOST_ENTRIES
    more = [f"{rest} more"] if rest > 0 else []
    return finding.symbol + listed([*texts[:MOST_ENTRIES], *more], "and")


def _matrix(symbol: str, rows: Sequence[Sequence[str]], page: Layout) -> list[Line]:
    style = UNICODE if page.unicode else ASCII
    cells = [[page.say(text) for text in line] for line in _evened(rows)]
    bare = len(cells) == 1 and len(cells[0]) == 1
    block = Block("", cells, role="written", bare=bare)
    named = page.say(f"{symbol} = ")
    head: Line = [*_label("You wrote".ljust(LABEL)), (named, "")]
    box = joined([Box([head], line_width(head)), matrix(block, style)])
    if box.width <= page.width:
        return box.lines
    pieces: list[Piece] = [Mark(page.say(symbol)), Mark("="), block]
    return [_label("You wrote"), *equation(pieces, page.width, INDENT + 2, style)]


def _evened(rows: Sequence[Sequence[str]]) -> list[list[str]]:
    """Rows of one length, where a student's own are not."""
    width = max(map(len, rows), default=0)
    return [[*line, *[""] * (width - len(line))] for line in rows]


# The key, on request


def key(expected: Sequence[Expected], page: Layout) -> Iterator[Line]:
    """What was written beside what was expected, where that is not the same."""
    style = UNICODE if page.unicode else ASCII
    for each in expected:
        if each.right:
            continue
        precise = each.precise if each.says_more else ()
        named = [("you wrote", each.written), ("expected", each.as_written)]
        named += [("more exactly", precise)] if precise else []
        blocks = [
            Block(name, [[page.say(text) for text in line] for line in _evened(rows)], role="key")
            for name, rows in named
            if rows and any(map(len, rows))
        ]
        yield []
        yield [(" " * INDENT + page.say(each.symbol), "heading")]
        yield from gallery([blocks], page.width, INDENT, style)
