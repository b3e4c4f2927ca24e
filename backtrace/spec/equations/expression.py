"""What a line of equations says, as a tree: numbers, names, functions, parts of matrices.

Operators are functions by their sign: ``+ - * / @``, and ``neg`` for the minus before one thing.
"""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from backtrace.functions.number import Number

CallSetting: TypeAlias = "Number | str | bool"
IndexSpan: TypeAlias = "tuple[int, int] | None"
"""The rows or columns of a part, counted from 1, both included; None for all of them."""


class TreeNode(msgspec.Struct, frozen=True, kw_only=True):
    """``at`` is where it begins in the line's text (characters from 0), ``length`` how much it
    takes there."""

    at: int = 0
    length: int = 1


class ConstantTerm(TreeNode, frozen=True, kw_only=True):
    """A number, or what is worked from numbers alone: ``2``, ``1/2``, ``sqrt(2)``.

    ``text`` is as it was written; ``rational`` whether ``number`` is exactly that.
    """

    number: Number
    text: str
    rational: bool = True


class NameTerm(TreeNode, frozen=True, kw_only=True):
    """A quantity by its id: ``X``, ``h_1`` where ``h[t]`` stands."""

    id: str


class Call(TreeNode, frozen=True, kw_only=True):
    """A function or an operator of something, with settings such as ``each`` or ``stride``."""

    function: str
    arguments: tuple[Term, ...]
    settings: dict[str, CallSetting] = {}


class Transpose(TreeNode, frozen=True, kw_only=True):
    """``x.T``."""

    inner: Term


class PartTerm(TreeNode, frozen=True, kw_only=True):
    """``x[2,:]``: some rows and columns."""

    inner: Term
    rows: IndexSpan
    columns: IndexSpan


Term: TypeAlias = ConstantTerm | NameTerm | Call | Transpose | PartTerm
