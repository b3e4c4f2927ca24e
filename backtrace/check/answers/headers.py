"""What the columns of a class's table mean, whichever platform has exported it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from backtrace.check.answers.fitting import places
from backtrace.check.answers.names import Quantity, Reader, Reference
from backtrace.check.answers.numbering import counted_otherwise
from backtrace.check.answers.reading import MOST_EXPLAINED, most_notes, out_of_range
from backtrace.check.answers.tree import inert
from backtrace.notation.steps import is_work
from backtrace.spec.wording import cited, count
from backtrace.tape.run import trace

# Words of the columns that say who a row is of, the likeliest first, and whose they are.
NAMES = ("student", "students", "name", "student name", "your name", "full name", "name student")
# Words that ask for a name, and those beside them that say of whom: "What is your name?".
NAME_WORDS = frozenset(("name", "names", "nachname", "nom", "nombre", "apellidos"))
OWN_WORDS = frozenset(
    (
        *("your", "full", "student", "students", "first", "last", "register"),
        *("dein", "deinen", "ihr", "ihren", "vor", "votre", "ton", "prenom", "prénom", "et"),
        *("tu", "su", "completo", "y"),
    )
)
FIRST_NAMES = ("first name", "firstname", "given name", "vorname", "prenom", "nombre", "名")
LAST_NAMES = ("last name", "lastname", "surname", "family name", "nachname", "nom", "apellidos")
IDS = (
    *("id number", "student id", "student number", "matriculation number", "matrikelnummer"),
    *("matrikel", "sis id", "sis user id", "username", "user name", "login", "id"),
)
EMAILS = ("email address", "email", "e mail", "e mail address", "mail")
TIMES = ("completed", "submitted", "timestamp", "submission time", "time submitted", "finished")
# What platforms add of their own, which is nobody's answer.
OTHERS = re.compile(
    r"state|status|started( on)?|time taken|duration|institution|department|section( id| sis id)?|"
    r"attempt|score|group|grade(/[\d.,]+)?|(total|auto) points|n correct|n incorrect|course|"
    r"[\d.,]+|feedback|username|root account|id"
)
NUMBERED = re.compile(r"(response|answer|antwort|réponse|respuesta|question|q)\.? *(\d{1,4})")
_BEFORE = re.compile(r"\s*\d+\s*:\s*(.+)")  # Canvas has the question's number before it
_UNDERSCORED = re.compile(r"(.+?)_([0-9]{1,6})(?:_([0-9]{1,6}))?")
# The rest of `z1[1,1]` after its comma; what follows must not open another index.
_CLOSING = re.compile(r"\s*[0-9]{1,6}\s*[\])][^\[\](){},]{0,20}")
_WORD = re.compile(r"[^\W\d_]+")
_AROUND = " \t?!.:;,\"'«»“”"
MOST_FOLDED = 1000
SHORT = 3  # letters of a word that may be one of the question, and no name


class StudentColumns(msgspec.Struct, frozen=True):
    """Which columns say who a row is of, and when it was sent; None where none does."""

    name: int | None = None
    first_name: int | None = None
    last_name: int | None = None
    id: int | None = None
    email: int | None = None
    time: int | None = None

    @property
    def taken(self) -> set[int]:
        found = (getattr(self, field) for field in self.__struct_fields__)
        return {column for column in found if column is not None}

    def student(self, cells: Sequence[str]) -> str:
        """The student's name; without one the id or the address, or nothing."""
        parts = [self.first_name, self.last_name]
        whole = " ".join(filter(None, (inert(cells[at]) for at in parts if at is not None)))
        ways = (self.name, self.id, self.email)
        named = [inert(cells[at]) for at in ways if at is not None]
        own = named.pop(0) if self.name is not None else ""
        return own or whole or next(filter(None, named), "")

    def keys(self, cells: Sequence[str]) -> dict[str, str]:
        """What to join on with other tables: id and address, as the table has them."""
        found = {"id": self.id, "email": self.email}
        texts = {key: inert(cells[at]) for key, at in found.items() if at is not None}
        return {key: text for key, text in texts.items() if text}

    def is_of_nobody(self, cells: Sequence[str]) -> bool:
        """Whether it is a row of averages: nothing but one name stands in all these columns."""
        told = {self.first_name, self.id, self.email} - {None}
        return len(told) > 1 and not any(cells[at].strip() for at in told if at is not None)


class EntryColumns(msgspec.Struct, frozen=True):
    """Where one quantity stands: a column an entry, or a ``whole`` matrix in one."""

    quantity: Quantity
    entries: tuple[tuple[int, tuple[int, int]], ...] = ()
    whole: int | None = None
    note: str = ""


class TableColumns(msgspec.Struct, frozen=True):
    """What the columns of a table mean; the quantities in the tape's order."""

    student: StudentColumns
    width: int
    quantities: tuple[EntryColumns, ...]
    notes: tuple[str, ...]


class MissingColumnsError(ValueError):
    """Most of what is asked for has no column, or a mapping names one that isn't there."""


def table_columns(
    header: Sequence[str], reader: Reader, notes: Sequence[str], told: Mapping[str, str]
) -> TableColumns:
    """The meaning of every column; ``told`` maps ids (``z1[1,1]``, ``student``) to headers.

    Raises MissingColumnsError where more than half of the quantities asked for have none.
    """
    header = _rejoined(header)
    return _Header(header, reader, [*notes], told).columns()


def student_columns(header: Sequence[str], told: Mapping[str, int] | None = None) -> StudentColumns:
    """Which columns of a header say who a row is of; ``told`` has columns by what they are."""
    folded = [_folded(name) for name in header[:MOST_FOLDED]]
    words = {
        "student": NAMES,
        "first_name": FIRST_NAMES,
        "last_name": LAST_NAMES,
        "id": IDS,
        "email": EMAILS,
        "time": TIMES,
    }
    found: dict[str, int] = {}
    for key, likely in words.items():
        named = [folded.index(word) for word in likely if word in folded]
        if named:
            found[key] = named[0]
    found |= {key: at for key, at in (told or {}).items() if key in words}
    name = found.pop("student", None)
    if name is None and not {"first_name", "last_name"} & found.keys():
        name = next((at for at, each in enumerate(folded) if _asks_a_name(each)), None)
    return StudentColumns(name=name, **found)


class _Header:
    def __init__(
        self, header: Sequence[str], reader: Reader, notes: list[str], told: Mapping[str, str]
    ) -> None:
        self.header, self.reader, self.notes = header, reader, notes
        self.folded = [_folded(name) for name in header[:MOST_FOLDED]]
        self.told = {key: self.column(name) for key, name in told.items()}

    def column(self, name: str) -> int:
        """The column that a mapping names."""
        if _folded(name) not in self.folded:
            raise MissingColumnsError(f"there is no column {cited(name)}")
        return self.folded.index(_folded(name))

    def columns(self) -> TableColumns:
        meant = dict(self.mapped())
        student = self.student(meant)
        rest = [at for at in range(len(self.header)) if at not in {*meant, *student.taken}]
        unknown = []
        counted = self.counted_otherwise(rest)
        for at in rest:
            reference = counted.get(at) or self.reference(self.header[at])
            if reference is not None:
                meant[at] = reference
            elif self.header[at].strip() and not self.is_other(at):
                unknown.append(at)
        if not meant:
            meant, unknown = self.in_order(unknown)
        self.say_unknown(unknown)
        found: dict[str, list[int]] = {}
        for at in sorted(meant):
            found.setdefault(meant[at].quantity.name, []).append(at)
        of = {name: meant[columns[0]].quantity for name, columns in found.items()}
        quantities = [self.quantity(of[name], columns, meant) for name, columns in found.items()]
        self.check_asked(found, unknown)
        ordered = sorted(quantities, key=lambda each: each.quantity.order)
        return TableColumns(student, len(self.header), tuple(ordered), most_notes(self.notes))

    # Who a row is of

    def student(self, meant: Mapping[int, Reference]) -> StudentColumns:
        found = student_columns(self.header, self.told)
        first = 0 if found.time != 0 else 1  # a form begins with when it was sent
        if found.taken - {found.time} or first in meant or first >= len(self.header):
            return found
        header = self.header[first]
        if not header.strip() or self.reference(header) is not None or self.is_other(first):
            return found
        self.notes.append(f"column {cited(header)} is read as the students' names")
        return msgspec.structs.replace(found, name=first)

    def is_other(self, at: int) -> bool:
        return at < MOST_FOLDED and OTHERS.fullmatch(self.folded[at]) is not None

    # What it says

    def mapped(self) -> Iterator[tuple[int, Reference]]:
        for name, at in self.told.items():
            reference = self.reader.find(name)
            if reference is not None:
                yield at, reference
            elif name not in ("student", "first_name", "last_name", "id", "email", "time"):
                raise MissingColumnsError(self.reader.unknown(name))

    def counted_otherwise(self, columns: Sequence[int]) -> dict[int, Reference]:
        """What the columns mean whose layers are not counted from 1."""
        names = {at: _bracketed(self.header[at]) for at in columns}
        note, renamed = counted_otherwise(self.reader, [*names.values()])
        self.notes += filter(None, [note])
        return {at: renamed[name] for at, name in names.items() if name in renamed}

    def reference(self, name: str) -> Reference | None:
        """The quantity or the entry that a header means, by itself or within a question."""
        found = self.reader.find(name) or self.underscored(name)
        if found is None:
            numbered = _BEFORE.fullmatch(name)
            found = self.reference(numbered[1]) if numbered is not None else self.within(name)
        return found

    def underscored(self, name: str) -> Reference | None:
        """``z1_1_2`` is z1[1,2], where no quantity is called so."""
        bracketed = _bracketed(name)
        return self.reader.find(bracketed) if bracketed != name else None

    def within(self, question: str) -> Reference | None:
        """What a question asks for, where it names just one thing that can't be a mere word."""
        words = [word.strip(_AROUND) for word in question.split()][:100]
        whole = [
            word
            for word in words
            if len(word) > SHORT or any(c.isdigit() for c in word) or word == words[-1]
        ]
        if len(words) < 2:
            return None
        found = (self.reader.find(word) for word in whole if word)
        distinct = {(r.quantity.name, r.index): r for r in found if r is not None}
        return next(iter(distinct.values())) if len(distinct) == 1 else None

    def in_order(self, unknown: list[int]) -> tuple[dict[int, Reference], list[int]]:
        """``Response 1, Response 2, …`` are the entries asked for, in the order of a form."""
        numbered: dict[str, list[tuple[int, int]]] = {}  # by their word: a question is no response
        for at in unknown:
            match = NUMBERED.fullmatch(self.folded[at]) if at < MOST_FOLDED else None
            if match is not None:
                numbered.setdefault(match[1], []).append((int(match[2]), at))
        entries = list(self.asked_entries()) if numbered else []
        answers = next((sorted(a) for a in numbered.values() if len(a) == len(entries)), None)
        if answers is None:
            if numbered:
                raise MissingColumnsError(self.not_in_order(numbered, entries))
            return {}, unknown
        meant = {at: entry for (_, at), entry in zip(answers, entries, strict=True)}
        first, last = (cited(self.header[at]) for at in (answers[0][1], answers[-1][1]))
        self.notes.append(
            f"columns {first} to {last} are read as what is asked for, entry by entry in the order "
            "of a form; --columns says otherwise"
        )
        return meant, [at for at in unknown if at not in meant]

    def asked_entries(self) -> Iterator[Reference]:
        """In the order of work, as they stand on a worksheet."""
        for quantity in sorted(self.asked(), key=lambda each: each.order):
            rows, columns = quantity.shape
            for i in range(1, rows + 1):
                for j in range(1, columns + 1):
                    yield Reference(quantity, (i, j))

    def asked(self) -> Iterator[Quantity]:
        """What the spec asks for, or else a worksheet would."""
        for name in self.reader.spec.ask:
            found = self.reader.find(name)
            assert found is not None  # the spec's reader has held it against the tape
            yield found.quantity
        if not self.reader.spec.ask:
            whole = trace(self.reader.spec)
            steps = (traced for traced in whole if is_work(traced, whole))
            yield from (self.reader.quantities[s.epoch, s.batch, s.id] for s in steps)

    def quantity(
        self, quantity: Quantity, columns: list[int], meant: Mapping[int, Reference]
    ) -> EntryColumns:
        """Where the entries of one quantity stand; the first of two columns for one counts."""
        single = (1,) if quantity.shape == (1, 1) else ()
        indexed = {at: meant[at].index or single for at in columns}
        whole = [at for at, index in indexed.items() if not index]
        if len(whole) == len(columns):
            self.say_same(whole)
            return EntryColumns(quantity, whole=whole[0])
        for at in whole:
            self.notes.append(f"column {cited(self.header[at])} was left aside: its entries follow")
            del indexed[at]
        found, note = places(quantity, list(indexed.values()))
        taken: dict[tuple[int, int], int] = {}
        for at, place in zip(indexed, found, strict=True):
            if place is None:
                self.notes.append(out_of_range(self.header[at].strip(), quantity))
            elif place in taken:
                self.say_same([taken[place], at])
            else:
                taken[place] = at
        return EntryColumns(quantity, tuple((at, place) for place, at in taken.items()), None, note)

    # What is said of the header

    def not_in_order(
        self, numbered: Mapping[str, Sequence[object]], entries: Sequence[Reference]
    ) -> str:
        """That there are more or fewer numbered columns than entries asked for."""
        word, columns = max(numbered.items(), key=lambda item: len(item[1]))
        first = entries[0]
        return (
            f"found {count(len(columns), 'column')} called {word} 1, 2, …; expected "
            f"{len(entries)}, one for each entry asked for, from {first.quantity.name} on. Say "
            "what is asked for with `ask` in the spec, or with --columns FILE.yaml which is which"
        )

    def say_same(self, columns: Sequence[int]) -> None:
        first, *others = (cited(self.header[at].strip()) for at in columns)
        for other in others:
            self.notes.append(f"columns {first} and {other} mean the same; the first counts")

    def say_unknown(self, unknown: Sequence[int]) -> None:
        told = unknown[:MOST_EXPLAINED]
        self.notes += [f"column {self.reader.explain(self.header[at])}" for at in told]
        if len(unknown) > MOST_EXPLAINED:
            rest = count(len(unknown) - MOST_EXPLAINED, "more column")
            self.notes.append(f"{rest} without a meaning here, left aside")

    def check_asked(self, found: Mapping[str, object], unknown: Sequence[int]) -> None:
        """More than half of what is asked for without a column would be zeros for everybody."""
        asked = dict.fromkeys(self.reader.spec.ask)
        names = [name for name in asked if self.place(name) not in found]
        if len(names) * 2 <= len(asked):
            return
        listed = ", ".join(names[:MOST_EXPLAINED]) + (", …" if len(names) > MOST_EXPLAINED else "")
        columns = ", ".join(cited(self.header[at].strip()) for at in unknown[:MOST_EXPLAINED])
        beside = f"; the columns {columns} have no meaning here" if unknown else ""
        raise MissingColumnsError(
            f"{len(names)} of the {count(len(asked), 'quantity', 'quantities')} asked for have no "
            f"column: {listed}{beside}. Say with --columns FILE.yaml which is which, such as "
            f'{{{names[0]}: "Response 1"}}'
        )

    def place(self, name: str) -> str:
        reference = self.reader.find(name)
        return name if reference is None else reference.quantity.name


def _folded(name: str) -> str:
    return " ".join(inert(name).lower().replace("_", " ").replace("-", " ").split())


def _bracketed(name: str) -> str:
    parts = _UNDERSCORED.fullmatch(name.strip())
    if parts is None:
        return name
    base, first, second = parts.groups()
    return f"{base}[{first}]" if second is None else f"{base}[{first},{second}]"


def _asks_a_name(folded: str) -> bool:
    words = {*_WORD.findall(folded)}
    of_whom = words & NAME_WORDS and words & OWN_WORDS
    return bool(of_whom) and not any(map(str.isdigit, folded))


def _rejoined(cells: Sequence[str]) -> list[str]:
    """``z1[1`` and ``1]``, which the comma of an index took apart, as one."""
    joined: list[str] = []
    for cell in cells:
        before = joined[-1] if joined else ""
        if _is_open(before) and _CLOSING.fullmatch(cell):
            joined[-1] = f"{before},{cell}"
        else:
            joined.append(cell)
    return joined


def _is_open(name: str) -> bool:
    return re.search(r"[\[(]\s*[0-9]{1,6}\s*$", name[-20:]) is not None
