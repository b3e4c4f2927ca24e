"""The elements of presentation MathML that formulas are made of, and rows of them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape
from typing import Literal

import msgspec

Kind = Literal["term", "name", "fraction", "bracketed", "operator", "open", "close"]

MINUS = "−"
SIGNS = frozenset("−+±")
OPENING, CLOSING = frozenset("(["), frozenset(")]")
THIN = '<mspace width="0.17em"></mspace>'
# What would run into each other without a thin space: ½ behind 1/n, ln behind y and before ŷ.
APART = frozenset([("fraction", "fraction"), ("term", "name"), ("close", "name"), ("name", "term")])
NUMBER = re.compile(r"(-?)(\d[\d.,]*)(?:e(-?\d+))?")


class Element(msgspec.Struct, frozen=True):
    """One element; ``sign`` is the character of a + or − whose form its neighbours decide.

    ``parts`` of something with scripts are its base, what stands below and what stands above.
    """

    markup: str
    kind: Kind = "term"
    sign: str = ""
    parts: tuple[Element, Element | None, Element | None] | None = None


def operator(text: str) -> Element:
    """An operator, bracket or comma; a bracket has the height of a line."""
    if text in SIGNS:
        return Element(f"<mo>{text}</mo>", "operator", text)
    if text in OPENING or text in CLOSING or text == "|":
        kind: Kind = "open" if text in OPENING else "close" if text in CLOSING else "operator"
        return Element(f'<mo stretchy="false">{text}</mo>', kind)
    tight = ' lspace="0" rspace="0"' if text == "/" else ""
    return Element(f"<mo{tight}>{escape(text)}</mo>", "operator")


def bracketed(left: str, inner: Element, right: str) -> Element:
    """``inner`` in brackets, as tall as it is where it has a fraction in it."""
    stretchy = "" if "<mfrac" in inner.markup else ' stretchy="false"'
    return Element(
        f'<mrow><mo{stretchy} form="prefix">{left}</mo>{inner.markup}'
        f'<mo{stretchy} form="postfix">{right}</mo></mrow>',
        "bracketed",
    )


def identifier(text: str) -> Element:
    """A letter (in italics) or, of several, a name (upright)."""
    return Element(f"<mi>{escape(text)}</mi>", "name" if len(text) > 1 else "term")


def upright(text: str) -> Element:
    return Element(f'<mi mathvariant="normal">{escape(text)}</mi>')


def words(text: str) -> Element:
    """Words inside a formula; their spaces at either end are kept."""
    kept = re.sub(r"^ | $", "\u00a0", text)
    return Element(f"<mtext>{escape(kept)}</mtext>")


def numeral(text: str, attributes: str = "") -> Element:
    r"""A printed number: ``−0.5``, ``1.23 · 10^−5``, a fraction over its line, ∞."""
    if text.lstrip("-") == "inf":
        return Element(f"<mn{attributes}>{text.replace('-', MINUS).replace('inf', '∞')}</mn>")
    above, slash, below = text.partition("/")
    if slash:
        return _fraction(above, below, attributes)
    found = NUMBER.fullmatch(text)
    if found is None or found[3] is None:
        return Element(f"<mn{attributes}>{escape(text.replace('-', MINUS))}</mn>")
    sign, mantissa, exponent = found.groups()
    power = f"<msup><mn>10</mn><mn>{exponent.replace('-', MINUS)}</mn></msup>"
    mantissa = f"<mn>{sign.replace('-', MINUS)}{mantissa}</mn>"
    return Element(f"<mrow{attributes}>{mantissa}<mo>·</mo>{power}</mrow>")


def _fraction(above: str, below: str, attributes: str) -> Element:
    sign = f'<mo form="prefix">{MINUS}</mo>' if above.startswith("-") else ""
    over = f"<mfrac><mn>{above.lstrip('-')}</mn><mn>{below}</mn></mfrac>"
    return Element(f"<mrow{attributes}>{sign}{over}</mrow>")


def joined(nodes: Iterable[Element], *, continues: bool = False) -> str:
    """The nodes beside each other; a sign with nothing to its left belongs to what follows.

    ``continues`` says that something stands to the left of the first.
    """
    written = ""
    before: Kind = "term" if continues else "open"
    for node in nodes:
        written += THIN if written and (before, node.kind) in APART else ""
        written += _sign(node, before, first=not written) if node.sign else node.markup
        before = node.kind
    return written


def _sign(node: Element, before: Kind, *, first: bool) -> str:
    """A browser takes the first sign of a row for a prefix, and any other for none."""
    prefix = before in ("open", "operator")
    if prefix == first:
        return node.markup
    return f'<mo form="{"prefix" if prefix else "infix"}">{node.sign}</mo>'


def row(nodes: Iterable[Element]) -> Element:
    """The nodes as one element."""
    several = list(nodes)
    if len(several) == 1 and not several[0].sign:
        return several[0]
    return Element(f"<mrow>{joined(several)}</mrow>")


def fraction(above: Element, below: Element) -> Element:
    return Element(f"<mfrac>{above.markup}{below.markup}</mfrac>", "fraction")


def root(inner: Element) -> Element:
    return Element(f"<msqrt>{inner.markup}</msqrt>")


def accent(base: Element, mark: str) -> Element:
    """A hat or a tilde over a letter."""
    return Element(f'<mover accent="true">{base.markup}<mo stretchy="false">{mark}</mo></mover>')


def scripts(base: Element, below: Element | None, above: Element | None) -> Element:
    """``base`` with what stands below and above on its right, or as it is.

    A base that has scripts takes further ones into them: W₂ᵀ, and not (W₂)ᵀ.
    """
    if below is None and above is None:
        return base
    if base.parts is not None:
        base, old_below, old_above = base.parts
        below = _both(old_below, below)
        above = _both(old_above, above)
    inner = "".join(node.markup for node in (base, below, above) if node is not None)
    tag = f"m{'sub' if below else ''}{'sup' if above else ''}"
    if base.markup == SUM.markup:
        tag = {"msub": "munder", "msup": "mover"}.get(tag, "munderover")
    return Element(f"<{tag}>{inner}</{tag}>", base.kind, parts=(base, below, above))


def _both(one: Element | None, other: Element | None) -> Element | None:
    return row([one, other]) if one and other else one or other


SUM = Element("<mo>∑</mo>", "operator")
