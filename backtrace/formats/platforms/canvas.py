"""A worksheet as a quiz for Canvas: a package of QTI 1.2, a numerical question for each entry.

Canvas has no form with several numbers that it marks by a tolerance. What stands between the
questions are its text-only questions; formulas are its equation images, made from TeX.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import sha256
from html import escape
from urllib.parse import quote

from backtrace.formats.platforms.assignment import Assignment, zipped
from backtrace.formats.platforms.form_pieces import HALF, SMALLEST, Entry, FormPieces, plain
from backtrace.page.inert import inert

QTI = "http://www.imsglobal.org/xsd/ims_qtiasiv1p2"
CONTENT = "http://www.imsglobal.org/xsd/imsccv1p1/imscp_v1p1"
CANVAS = "http://canvas.instructure.com/xsd/cccv1p0"
HEAD = '<?xml version="1.0" encoding="UTF-8"?>'


def package(assignments: Sequence[Assignment]) -> dict[str, bytes]:
    """The package of the one assignment. Raises NotExpressibleError as ``refuse_small`` does."""
    (assignment,) = assignments
    quiz = _Quiz(assignment)
    files = {
        "imsmanifest.xml": _manifest(quiz.id),
        f"{quiz.id}/{quiz.id}.xml": quiz.assessment(),
        f"{quiz.id}/assessment_meta.xml": quiz.settings(),
    }
    return {"canvas.zip": zipped({name: text.encode() for name, text in files.items()})}


class _Quiz(FormPieces):
    def __init__(self, assignment: Assignment) -> None:
        super().__init__(assignment)
        self.tolerance = max(self.tolerance, HALF * SMALLEST)
        self.title = escape(inert(assignment.title))
        self.id = f"backtrace_{sha256(assignment.text.encode()).hexdigest()[:16]}"
        self.refuse_small("canvas")

    def formula(self, tex: str) -> str:
        """As Canvas's own editor writes it: an image that Canvas draws, and what it is of."""
        tex = " ".join(tex.split())
        written, address = escape(tex), quote(quote(tex, safe=""), safe="")
        return (
            f'<img class="equation_image" title="{written}" alt="LaTeX: {written}" '
            f'data-equation-content="{written}" src="/equation_images/{address}">'
        )

    def displayed(self, tex: str) -> str:
        return f"<p>{self.formula(tex)}</p>"

    def assessment(self) -> str:
        items = "\n".join(self.items())
        return f"""{HEAD}
<questestinterop xmlns="{QTI}">
<assessment ident="{self.id}" title="{self.title}">
<qtimetadata>{_field("cc_maxattempts", "1")}</qtimetadata>
<section ident="root_section">
{items}
</section>
</assessment>
</questestinterop>
"""

    def settings(self) -> str:
        points = sum(self.points[each.quantity.name] for each in self.answers())
        return f"""{HEAD}
<quiz identifier="{self.id}" xmlns="{CANVAS}">
<title>{self.title}</title>
<shuffle_answers>false</shuffle_answers>
<scoring_policy>keep_highest</scoring_policy>
<quiz_type>assignment</quiz_type>
<points_possible>{plain(points)}</points_possible>
<allowed_attempts>1</allowed_attempts>
<show_correct_answers>false</show_correct_answers>
<available>false</available>
</quiz>
"""

    def items(self) -> Iterator[str]:
        """The pieces between two steps to work are one text; each entry is a question."""
        above: list[str] = []
        number = 0
        for piece in self.pieces():
            if isinstance(piece, str):
                above.append(piece)
                continue
            if above:
                number += 1
                yield self.item(number, "text_only_question", 0.0, "".join(above))
                above = []
            for entry in self.entries(self.quantity(piece)):
                number += 1
                yield self.question(number, entry, self.symbol(piece))
        if above:
            yield self.item(number + 1, "text_only_question", 0.0, "".join(above))

    def question(self, number: int, entry: Entry, symbol: str) -> str:
        """By its name in letters ``backtrace check`` knows it in a table of students' answers."""
        place = "" if entry.quantity.scalar else f"[{entry.i + 1},{entry.j + 1}]"
        asked = f"<p>{entry.name}: {symbol}{place} =</p>"
        low, high = (plain(entry.value + way * self.tolerance) for way in (-1, 1))
        respond = 'respident="response1"'
        return self.item(
            number,
            "numerical_question",
            self.points[entry.quantity.name],
            asked,
            '<response_str ident="response1" rcardinality="Single"><render_fib fibtype="Decimal">'
            '<response_label ident="answer1"/></render_fib></response_str>',
            "<resprocessing><outcomes>"
            '<decvar maxvalue="100" minvalue="0" varname="SCORE" vartype="Decimal"/></outcomes>'
            '<respcondition continue="No"><conditionvar><or>'
            f"<varequal {respond}>{plain(entry.value)}</varequal>"
            f"<and><vargte {respond}>{low}</vargte><varlte {respond}>{high}</varlte></and>"
            '</or></conditionvar><setvar action="Set" varname="SCORE">100</setvar>'
            "</respcondition></resprocessing>",
        )

    def item(
        self,
        number: int,
        kind: str,
        points: float,
        text: str,
        response: str = "",
        processing: str = "",
    ) -> str:
        ident = f"{self.id}_{number}"
        fields = {
            "question_type": kind,
            "points_possible": plain(points),
            "original_answer_ids": "answer1" if response else "",
            "assessment_question_identifierref": f"{ident}_ref",
        }
        told = "".join(_field(label, entry) for label, entry in fields.items())
        return (
            f'<item ident="{ident}" title="{number}"><itemmetadata><qtimetadata>{told}'
            '</qtimetadata></itemmetadata><presentation><material><mattext texttype="text/html">'
            f"{escape(text, quote=False)}</mattext></material>{response}</presentation>"
            f"{processing}</item>"
        )


def _field(label: str, entry: str) -> str:
    return (
        f"<qtimetadatafield><fieldlabel>{label}</fieldlabel>"
        f"<fieldentry>{entry}</fieldentry></qtimetadatafield>"
    )


def _manifest(id: str) -> str:
    """New Quizzes take one quiz a package; Canvas finds a quiz's settings by the dependency."""
    meta = f"{id}/assessment_meta.xml"
    kind = "associatedcontent/imscc_xmlv1p1/learning-application-resource"
    return f"""{HEAD}
<manifest identifier="{id}_manifest" xmlns="{CONTENT}">
<metadata><schema>IMS Content</schema><schemaversion>1.1.3</schemaversion></metadata>
<organizations/>
<resources>
<resource identifier="{id}" type="imsqti_xmlv1p2">
<file href="{id}/{id}.xml"/>
<dependency identifierref="{id}_meta"/>
</resource>
<resource identifier="{id}_meta" type="{kind}" href="{meta}">
<file href="{meta}"/>
</resource>
</resources>
</manifest>
"""
