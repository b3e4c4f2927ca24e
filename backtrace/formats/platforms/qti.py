"""Worksheets as a package of QTI 2.1: an item a variant, a test that gives each student one.

An entry is a place to type in. Elements, their order and their attributes are those of IMS
Question and Test Interoperability 2.1; formulas are MathML, which it has.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import sha256
from html import escape
from itertools import groupby

from backtrace import __version__
from backtrace.formats.platforms.assignment import Assignment, zipped
from backtrace.formats.platforms.form_pieces import Entry, FormPieces, plain, table
from backtrace.functions.formula import Expr, Symbol
from backtrace.notation.mathml import MathML
from backtrace.notation.mathml_tokens import numeral, operator
from backtrace.notation.text import EXACT
from backtrace.page.inert import inert
from backtrace.page.step_block import StepBlock

QTI = "http://www.imsglobal.org/xsd/imsqti_v2p1"
CONTENT = "http://www.imsglobal.org/xsd/imscp_v1p1"
MATH = "http://www.w3.org/1998/Math/MathML"
SCHEMA = (
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
    f'xsi:schemaLocation="{QTI} http://www.imsglobal.org/xsd/qti/qtiv2p1/imsqti_v2p1.xsd"'
)
HEAD = '<?xml version="1.0" encoding="UTF-8"?>'
TOOL = f'toolName="backtrace" toolVersion="{__version__}"'
LENGTH = 12  # characters of a place


def package(assignments: Sequence[Assignment]) -> dict[str, bytes]:
    """A package with an item for each variant and a test that picks one of them. Raises
    NotExpressibleError as ``refuse_small`` does."""
    items = [_Item(assignment) for assignment in assignments]
    title = escape(inert(assignments[0].of or assignments[0].title))
    files = {"imsmanifest.xml": _manifest(items), "test.xml": _test(items, title)}
    files |= {item.file: item.text() for item in items}
    return {"qti.zip": zipped({name: text.encode() for name, text in files.items()})}


class _Item(FormPieces):
    def __init__(self, assignment: Assignment) -> None:
        super().__init__(assignment)
        self.title = escape(inert(assignment.title))
        self.id = f"item-{sha256(assignment.text.encode()).hexdigest()[:16]}"
        self.file = f"{self.id}.xml"
        self.refuse_small("qti")  # Canvas takes these packages too
        self.ids = {each.name: f"R{at}" for at, each in enumerate(self.answers(), 1)}

    def text(self) -> str:
        body = "\n".join(
            piece if isinstance(piece, str) else self.places(piece) for piece in self.pieces()
        )
        answers = list(self.answers())
        whole = sum(self.points[each.quantity.name] for each in answers)
        declared = "\n".join(map(self.declared, answers))
        processed = "\n".join(map(self.processed, answers))
        return f"""{HEAD}
<assessmentItem xmlns="{QTI}" {SCHEMA} identifier="{self.id}" title="{self.title}" \
adaptive="false" timeDependent="false" {TOOL}>
{declared}
{_outcome("SCORE", 0)}
{_outcome("MAXSCORE", whole)}
<itemBody>
{body}
</itemBody>
<responseProcessing>
{processed}
</responseProcessing>
</assessmentItem>
"""

    def declared(self, entry: Entry) -> str:
        return (
            f'<responseDeclaration identifier="{self.ids[entry.name]}" cardinality="single" '
            f'baseType="float"><correctResponse><value>{plain(entry.value)}</value>'
            "</correctResponse></responseDeclaration>"
        )

    def processed(self, entry: Entry) -> str:
        """The points of an entry are added where its number is near enough."""
        id, tolerance = self.ids[entry.name], plain(self.tolerance)
        points = plain(self.points[entry.quantity.name])
        return (
            "<responseCondition><responseIf>"
            f'<equal toleranceMode="absolute" tolerance="{tolerance} {tolerance}">'
            f'<variable identifier="{id}"/><correct identifier="{id}"/></equal>'
            '<setOutcomeValue identifier="SCORE"><sum><variable identifier="SCORE"/>'
            f'<baseValue baseType="float">{points}</baseValue></sum></setOutcomeValue>'
            "</responseIf></responseCondition>"
        )

    def places(self, step: StepBlock) -> str:
        """A table with a place for each entry."""
        rows = groupby(self.entries(self.quantity(step)), key=lambda entry: entry.i)
        return table([[f"{self.symbol(step)} =", table(map(self.place, row) for _, row in rows)]])

    def place(self, entry: Entry) -> str:
        id = self.ids[entry.name]
        return f'<textEntryInteraction responseIdentifier="{id}" expectedLength="{LENGTH}"/>'

    # Formulas

    def given(self, steps: Sequence[StepBlock]) -> str:
        return "".join(f"<p>{self.valued(step, Symbol(step.id))}</p>" for step in steps)

    def stated(self, step: StepBlock) -> str:
        assert step.equation is not None
        formula = step.equation.formula
        silent = step.blank or (step.brief and step.tells_value)
        return f"<p>{self.expression(formula) if silent else self.valued(step, formula)}</p>"

    def symbol(self, step: StepBlock) -> str:
        return self.expression(Symbol(step.id))

    def expression(self, expr: Expr) -> str:
        return _math(self.inside(expr))

    def inside(self, expr: Expr) -> str:
        symbols = self.document.symbols
        assert symbols is not None
        return MathML(symbols, EXACT, False, ".").formula(expr)

    def valued(self, step: StepBlock, left: Expr) -> str:
        """``left`` = the value."""
        equals = operator("=").markup
        return _math(f"{self.inside(left)}{equals}{''.join(_matrix(step))}")


def _math(inside: str) -> str:
    return f'<math xmlns="{MATH}"><mstyle displaystyle="true">{inside}</mstyle></math>'


def _matrix(step: StepBlock) -> Iterator[str]:
    made = step.result
    cells = [[numeral(text).markup for text in line] for line in made.cells]
    if not made.shape:
        yield cells[0][0]
        return
    yield "<mo>[</mo><mtable>"
    for line in cells:
        yield f"<mtr>{''.join(f'<mtd>{cell}</mtd>' for cell in line)}</mtr>"
    yield "</mtable><mo>]</mo>"


def _outcome(id: str, value: float) -> str:
    return (
        f'<outcomeDeclaration identifier="{id}" cardinality="single" baseType="float">'
        f"<defaultValue><value>{plain(value)}</value></defaultValue></outcomeDeclaration>"
    )


def _test(items: Sequence[_Item], title: str) -> str:
    refs = "\n".join(
        f'<assessmentItemRef identifier="{item.id}" href="{item.file}"/>' for item in items
    )
    one = '<selection select="1"/>\n<ordering shuffle="true"/>\n' if len(items) > 1 else ""
    return f"""{HEAD}
<assessmentTest xmlns="{QTI}" {SCHEMA} identifier="test" title="{title}" {TOOL}>
{_outcome("SCORE", 0)}
<testPart identifier="part" navigationMode="nonlinear" submissionMode="simultaneous">
<assessmentSection identifier="section" title="{title}" visible="true">
{one}{refs}
</assessmentSection>
</testPart>
<outcomeProcessing>
<setOutcomeValue identifier="SCORE"><sum><testVariables variableIdentifier="SCORE"/></sum>\
</setOutcomeValue>
</outcomeProcessing>
</assessmentTest>
"""


def _manifest(items: Sequence[_Item]) -> str:
    needed = "".join(f'<dependency identifierref="{item.id}"/>' for item in items)
    resources = "\n".join(
        f'<resource identifier="{item.id}" type="imsqti_item_xmlv2p1" href="{item.file}">'
        f'<file href="{item.file}"/></resource>'
        for item in items
    )
    return f"""{HEAD}
<manifest identifier="manifest" xmlns="{CONTENT}">
<metadata><schema>QTIv2.1 Package</schema><schemaversion>1.0.0</schemaversion></metadata>
<organizations/>
<resources>
<resource identifier="test" type="imsqti_test_xmlv2p1" href="test.xml"><file href="test.xml"/>\
{needed}</resource>
{resources}
</resources>
</manifest>
"""
