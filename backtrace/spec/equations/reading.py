"""``given`` and ``equations`` of a spec → Equations, or every problem of them at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set

from backtrace.functions.losses import LOSSES
from backtrace.spec import ids
from backtrace.spec.document.fields import Fields, names
from backtrace.spec.document.folders import Folders
from backtrace.spec.document.problems import Place, Problems
from backtrace.spec.document.reader import Entry, Scalar, kind
from backtrace.spec.document.reader import Mapping as MappingNode
from backtrace.spec.equations.given import read_given
from backtrace.spec.equations.lines import LineReader
from backtrace.spec.equations.misfits import Misfit
from backtrace.spec.equations.names import names_in, reached, used
from backtrace.spec.model import Conventions, EquationLine, Equations, Layout, Matrix
from backtrace.spec.near_misses import near_miss
from backtrace.spec.wording import cited

_STARTS = ("loss", "maximize", "upstream")


def read_equations(
    problems: Problems, top: Fields, folders: Folders, conventions: Conventions, seed: int | None
) -> Equations | None:
    """The equations; None where they can't be worked as they stand."""
    seen = len(problems.found)
    given = read_given(problems, top.get("given"), folders, conventions.layout, seed)
    if "equations" not in top and seen:
        return None  # it is misspelled, which has been told
    node = top.require("equations", "Write the formulas, one a line: `- z = x @ W`.")
    if node is None:
        return None
    read = LineReader(problems, given)
    lines = tuple(read.lines(node, {}))
    reader = _EquationsReader(problems, top, folders, given, lines, read.lost)
    if read.is_whole and ("given" in top or not seen):
        reader.check_names()
    equations = reader.equations(conventions.layout == "columns")
    if len(problems.found) == seen:
        reader.check(equations)
    return equations if len(problems.found) == seen else None


class _EquationsReader:
    """Holds what the keys beside the equations say against the names that there are."""

    def __init__(
        self,
        problems: Problems,
        top: Fields,
        folders: Folders,
        given: Mapping[str, Matrix],
        lines: Sequence[EquationLine],
        lost: Set[str],
    ) -> None:
        """``lost`` are the names of lines that can't be read: who uses them is not to blame."""
        self.problems, self.top, self.folders = problems, top, folders
        self.given, self.lines, self.lost = given, lines, lost
        self.names = {*self.given_keys, *(line.id for line in lines)}

    @property
    def given_keys(self) -> dict[str, Entry]:
        node = self.top.node.entries.get("given")
        is_mapping = node is not None and isinstance(node.value, MappingNode)
        return node.value.entries if is_mapping else {}  # type: ignore[union-attr]

    def equations(self, columns: bool) -> Equations:
        objective, maximize = self.objective()
        return Equations(
            given=dict(self.given),
            lines=tuple(self.lines),
            objective=objective,
            maximize=maximize,
            upstream=self.upstream(columns),
            constants=frozenset(self.chosen("constants", self.given_keys)),
            parameters=tuple(self.chosen("parameters", self.given_keys)),
        )

    def check(self, equations: Equations) -> None:
        """What can only be said where all of it could be read."""
        self.check_given(equations)
        self.check_ids(equations)
        self.check_parameters(equations)

    # Lines

    def check_names(self) -> None:
        """Every name is worked once, and before it is used."""
        known, told = {*self.given_keys, *self.lost}, set[tuple[int, str]]()
        for line in self.lines:
            for name in names_in(line.tree):
                if name.id not in known and (line.row, name.id) not in told:
                    told.add((line.row, name.id))
                    self.unknown(line, name.id, name.at, name.length, known)
            if line.id in known:
                which = "given" if line.id in self.given_keys else "worked already"
                found = f"`{line.id}`, which is {which}"
                mend = f"Each round needs its own: `{line.id}[t]` with the loop's variable."
                mend = mend if line.loop else ""
                place = Place(line.row, line.column, len(line.id))
                self.problems.add(place, found, "a name of its own", mend, code="E705")
            known.add(line.id)

    def unknown(self, line: EquationLine, id: str, at: int, length: int, known: set[str]) -> None:
        if id == line.id:
            found, mend = f"`{id}` on both sides", "Give the new value a name of its own."
        elif id in self.names:
            found, mend = f"`{id}` before it is worked", "Move the line that works it up."
        else:
            found = f"`{id}`, which is neither given nor worked"
            mend = _meant(line.text[at : at + length], id, known)
        where = f" ({line.loop})" if line.loop else ""
        place = Place(line.row, line.column + line.start + at, length)
        expected = "a name that stands before this line"
        self.problems.add(place, found + where, expected, mend, code="E704")

    def check_given(self, equations: Equations) -> None:
        for name in self.given_keys.keys() - used(self.lines) - equations.upstream.keys():
            found, mend = f"`{name}`, which no line uses", "Use it, or remove it."
            key = self.given_keys[name].key
            self.problems.add(key, found, "a name that a line uses", mend, code="E706")

    def check_ids(self, equations: Equations) -> None:
        """Names that a gradient or an updated parameter will have."""
        taken: dict[str, str] = {}
        if equations.has_backward:
            targets = [equations.objective, *equations.upstream]
            reach = reached(self.lines, [name for name in targets if name])
            wanted = reach & self.names - equations.constants
            taken |= {ids.gradient(name): f"the gradient of `{name}`" for name in wanted}
        for name in equations.parameters if self.updates else ():
            taken[ids.updated(name)] = f"the updated `{name}`"
        for line in self.lines:
            if line.id in taken:
                self.taken(Place(line.row, line.column, len(line.id)), line.id, taken[line.id])
        for name, entry in self.given_keys.items():
            if name in taken:
                self.taken(entry.key, name, taken[name])

    def taken(self, place: Place, name: str, by: str) -> None:
        found = f"`{name}`, which is what {by} will be called"
        self.problems.add(place, found, "another name", "Rename it.", code="E705")

    @property
    def updates(self) -> bool:
        return any(key in self.top for key in ("learning_rate", "optimizer", "schedule"))

    def check_parameters(self, equations: Equations) -> None:
        """What an update needs: a rate, parameters, and an objective that depends on them."""
        if self.updates and not equations.parameters:
            mend = "Write `parameters: [W]`: the given names that an update changes."
            place = self.top.key("learning_rate" if "learning_rate" in self.top else "optimizer")
            self.problems.add(
                place, "a rate without `parameters`", "`parameters:`", mend, code="E119"
            )
        if "clip" in self.top and not self.updates:
            found, wanted = "`clip` without an update", "`learning_rate` or `optimizer`"
            self.problems.add(self.top.key("clip"), found, wanted, code="E119")
        if not equations.parameters:
            return
        reach = reached(self.lines, [equations.objective, *equations.upstream])
        for word in names(self.problems, self.node("parameters"), "given names"):
            if not equations.has_backward:
                expected = "`loss:`, `maximize:` or `upstream:`, from which gradients are worked"
                self.problems.add(word, "`parameters` without a loss", expected, code="E119")
                return
            if word.text not in reach:
                target = equations.objective or "what is given upstream"
                found = f"`{word.text}`, on which {target} does not depend"
                self.problems.add(word, found, "a name that it depends on", code="E708")
            elif word.text in equations.constants:
                found = f"`{word.text}` among the constants and the parameters"
                self.problems.add(word, found, "one of the two", code="E116")

    def node(self, key: str) -> Scalar:
        node = self.top.get(key)
        assert node is not None
        return node  # type: ignore[return-value]

    # What is differentiated

    def objective(self) -> tuple[str, bool]:
        """The name under ``loss:`` or ``maximize:``, and whether it is the latter."""
        said = [key for key in _STARTS if key in self.top]
        for key in said[1:]:
            mend = "Gradients start at one place."
            self.problems.add(
                self.top.key(key), f"`{key}` beside `{said[0]}`", "one", mend, code="E116"
            )
        if not said or said[0] == "upstream":
            return "", False
        node = self.top.get(said[0])
        if node is None or (said[0] == "loss" and self.is_upstream(node)):
            return "", False
        name = node.text if isinstance(node, Scalar) else ""
        worked = [*(line.id for line in self.lines), *self.lost]
        if name in worked or not worked:
            return name, said[0] == "maximize"
        meant = near_miss(name, worked)
        mend = f"Did you mean `{meant}`?" if meant else f"Add a line `{name or 'L'} = …`."
        if name in LOSSES:
            mend = f"Add a line such as `L = {name}(prediction, target)`, and write `{said[0]}: L`."
        found = cited(name) if name else kind(node)
        expected = "the name of a line, of a 1 × 1 value"
        self.problems.add(node, found, expected, mend, code="E708")
        return "", False

    @staticmethod
    def is_upstream(node: object) -> bool:
        return isinstance(node, MappingNode) and "upstream" in node.entries

    def upstream(self, columns: bool) -> dict[str, Matrix]:
        """``upstream: {O: [[1, 1]]}``; under ``loss:``, too, as layers have it."""
        node = self.top.get("upstream")
        loss = self.top.node.entries.get("loss")
        if node is None and loss is not None and isinstance(loss.value, MappingNode):
            node = loss.value.entries["upstream"].value if self.is_upstream(loss.value) else None
        if node is None:
            return {}
        if not isinstance(node, MappingNode):
            expected = "names and their gradients: `upstream: {O: [[1, 1]]}`"
            self.problems.add(node, f"{kind(node)} for `upstream`", expected, code="E110")
            return {}
        for entry in node.entries.values():
            if entry.key.text not in self.names:
                meant = near_miss(entry.key.text, self.names)
                mend = f"Did you mean `{meant}`?" if meant else ""
                expected = "the name of a line"
                self.problems.add(entry.key, cited(entry.key.text), expected, mend, code="E708")
        layout: Layout = "columns" if columns else "rows"
        found = read_given(self.problems, node, self.folders, layout, None)
        for name in found.keys() & self.given.keys():
            own, shape = self.given[name].shape, found[name].shape
            if own != shape:
                said = f"a gradient of {shape[0]} × {shape[1]} for `{name}` of {own[0]} × {own[1]}"
                self.problems.add(node.entries[name].key, said, "one of its shape", code="E707")
        return found

    def chosen(self, key: str, among: Mapping[str, Entry]) -> list[str]:
        """The names of a list, each of which must be given."""
        node = self.top.get(key)
        if node is None:
            return []
        words = names(self.problems, node, "given names")
        for word in words:
            if word.text not in among:
                meant = near_miss(word.text, among)
                mend = f"Did you mean `{meant}`?" if meant else ""
                expected = "a name under `given:`"
                self.problems.add(word, cited(word.text), expected, mend, code="E711")
        return list(dict.fromkeys(word.text for word in words))


def _meant(written: str, id: str, known: set[str]) -> str:
    """What an unknown name was probably meant to be; ``X[1]`` is the name X_1."""
    name, _, index = written.partition("[")
    if index and name in known:
        number = index.removesuffix("]")
        return f"`{name}[{number},:]` is a row of `{name}`, `{name}[:,{number}]` a column."
    meant = near_miss(id, known)
    return f"Did you mean `{meant}`?" if meant else "Add it under `given:`, or as a line."


def note_misfits(problems: Problems, misfits: Sequence[Misfit]) -> None:
    """Shapes that don't fit as problems; the same place in several rounds of a loop once."""
    told = set()
    for each in misfits:
        place = Place(
            each.line.row, each.line.column + each.line.start + each.at, max(each.length, 1)
        )
        if (place.line, place.column) in told:
            continue
        told.add((place.line, place.column))
        found = each.found + (f" ({each.line.loop})" if each.line.loop else "")
        problems.add(place, found, each.expected, each.mend, drawing=each.drawing, code="E707")
