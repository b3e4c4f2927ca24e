"""The elements of presentation MathML that formulas are made of, and rows of them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape
from typing import Literal

import msgspec

Kind = Literal["term", "operator", "open", "close"]

MINUS = "−"
SIGNS = frozenset("−+±")
OPENING, CLOSING = frozenset("(["), frozenset(")]")
NUMBER = re.compile(r"(-?)(\d[\d.,]*)(?:e(-?\d+))?")


class Node(msgspec.Struct, frozen=True):
    """One element; ``sign`` is the character of a + or − whose form its neighbours decide."""

    markup: str
    kind: Kind = "term"
    sign: str = ""


def operator(text: str) -> Node:
    """An operator, bracket or comma."""
    if text in SIGNS:
        return Node(f"<mo>{text}</mo>", "operator", text)
    kind: Kind = "open" if text in OPENING else "close" if text in CLOSING else "operator"
    return Node(f"<mo>{escape(text)}</mo>", kind)


def identifier(text: str) -> Node:
    """A letter (in italics) or, of several, a name (upright)."""
    return Node(f"<mi>{escape(text)}</mi>")


def upright(text: str) -> Node:
    return Node(f'<mi mathvariant="normal">{escape(text)}</mi>')


def words(text: str) -> Node:
    """Words inside a formula; their spaces at either end are kept."""
    kept = re.sub(r"^ | $", "\u00a0", text)
    return Node(f"<mtext>{escape(kept)}</mtext>")


def numeral(text: str, attributes: str = "") -> Node:
    r"""A printed number: ``−0.5``, ``1.23 · 10^−5``, a fraction over its line, ∞."""
    if text.lstrip("-") == "inf":
        return Node(f"<mn{attributes}>{text.replace('-', MINUS).replace('inf', '∞')}</mn>")
    above, slash, below = text.partition("/")
    if slash:
        return _fraction(above, below, attributes)
    found = NUMBER.fullmatch(text)
    if found is None or found[3] is None:
        return Node(f"<mn{attributes}>{escape(text.replace('-', MINUS))}</mn>")
    sign, mantissa, exponent = found.groups()
    power = f"<msup><mn>10</mn><mn>{exponent.replace('-', MINUS)}</mn></msup>"
    mantissa = f"<mn>{sign.replace('-', MINUS)}{mantissa}</mn>"
    return Node(f"<mrow{attributes}>{mantissa}<mo>·</mo>{power}</mrow>")


def _fraction(above: str, below: str, attributes: str) -> Node:
    sign = f'<mo form="prefix">{MINUS}</mo>' if above.startswith("-") else ""
    over = f"<mfrac><mn>{above.lstrip('-')}</mn><mn>{below}</mn></mfrac>"
    return Node(f"<mrow{attributes}>{sign}{over}</mrow>")


def joined(nodes: Iterable[Node]) -> str:
    """The nodes beside each other; a sign with nothing to its left belongs to what follows."""
    written = ""
    before: Kind = "open"
    for node in nodes:
        leads = node.sign and before in ("open", "operator")
        written += f'<mo form="prefix">{node.sign}</mo>' if leads else node.markup
        before = node.kind
    return written


def row(nodes: Iterable[Node]) -> Node:
    """The nodes as one element."""
    several = list(nodes)
    if len(several) == 1 and not several[0].sign:
        return several[0]
    return Node(f"<mrow>{joined(several)}</mrow>")


def fraction(above: Node, below: Node) -> Node:
    return Node(f"<mfrac>{above.markup}{below.markup}</mfrac>")


def root(inner: Node) -> Node:
    return Node(f"<msqrt>{inner.markup}</msqrt>")


def accent(base: Node, mark: str) -> Node:
    """A hat or a tilde over a letter."""
    return Node(f'<mover accent="true">{base.markup}<mo stretchy="false">{mark}</mo></mover>')


def scripts(base: Node, below: Node | None, above: Node | None) -> Node:
    """``base`` with what stands below and above on its right, or as it is."""
    if below is not None and above is not None:
        return Node(f"<msubsup>{base.markup}{below.markup}{above.markup}</msubsup>", base.kind)
    if below is not None:
        return Node(f"<msub>{base.markup}{below.markup}</msub>", base.kind)
    if above is not None:
        return Node(f"<msup>{base.markup}{above.markup}</msup>", base.kind)
    return base
