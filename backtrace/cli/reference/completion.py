"""``backtrace completion``: what a shell offers at Tab, written out once for bash, zsh or fish.

The script holds every command, option, word and bundled network, so that Tab starts nothing; only
the ids of a spec are asked for, when they are wanted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Literal, TypeAlias

import msgspec

Shell: TypeAlias = Literal["bash", "zsh", "fish"]

PROGRAMS = "backtrace backtrace-nn"
FILES, IDS = "files", "ids"  # what is looked up at Tab
PATHS = ("FILE", "FOLDER", "ANSWERS", "SPEC")  # in the names of what paths can stand for


class Place(msgspec.Struct, frozen=True):
    """A place in a command line: of an option its spellings, of an argument none.

    ``words`` can stand there, and what ``looked_up`` says; a flag takes nothing.
    """

    spellings: tuple[str, ...]
    help: str
    is_flag: bool = False
    words: tuple[str, ...] = ()
    looked_up: frozenset[str] = frozenset()


class Command(msgspec.Struct, frozen=True):
    """A command with its options and its arguments."""

    name: str
    help: str
    options: tuple[Place, ...]
    arguments: tuple[Place, ...]


def script(shell: Shell, group: Any) -> str:
    """The script for a shell, of Typer's group of commands."""
    commands = [_command(name, group.commands[name]) for name in group.commands]
    return WRITERS[shell](commands)


def ids_of(source: str) -> list[str]:
    """The ids and families of a spec's trace, in the order of work; none where it has faults."""
    from backtrace.spec import SpecError
    from backtrace.spec.ids import family
    from backtrace.tape.compile import compile_tape
    from backtrace.tape.loading import load
    from backtrace.tape.writer import TapeError

    try:
        steps = compile_tape(load(source)).steps
    except (SpecError, TapeError):
        return []
    return list(dict.fromkeys(name for step in steps for name in (step.id, family(step.id))))


# --- what can stand where


def _command(name: str, command: Any) -> Command:
    places = [(each.param_type_name, _place(each)) for each in command.params if not each.hidden]
    options = tuple(place for kind, place in places if kind == "option")
    arguments = tuple(place for kind, place in places if kind == "argument")
    return Command(name, _line(command.help), options, arguments)


def _place(parameter: Any) -> Place:
    if parameter.param_type_name == "option":
        spellings, help = tuple(parameter.opts), _line(parameter.help)
    else:
        spellings, help = (), parameter.metavar or parameter.name
    metavar = parameter.metavar or ""
    words = _words(parameter.name, metavar.strip("[]"))
    looked_up = {FILES} if any(part in metavar for part in PATHS) else set()
    looked_up |= {IDS} if metavar in ("IDS", "ENTRY") else set()
    choices = getattr(parameter.type, "choices", ())
    flag = getattr(parameter, "is_flag", False)
    return Place(spellings, help, flag, (*choices, *words), frozenset(looked_up))


def _line(help: str | None) -> str:
    """The beginning of a help text, without what shells take for signs of theirs."""
    text = re.split(r"[.:;] ", " ".join((help or "").split()))[0].rstrip(".")
    return re.sub(r"[\"`\\\[\]:$|]", "", text.replace("'", "’"))


def _words(name: str, metavar: str) -> Iterable[str]:
    from backtrace.check.mistakes.catalogue import CATALOGUE
    from backtrace.course.languages import LANGUAGES
    from backtrace.course.starter import UNITS
    from backtrace.formats.registry import ALL_FORMATS
    from backtrace.formats.worksheet_files import FORMATS
    from backtrace.functions.losses import LOSSES
    from backtrace.page import handbook
    from backtrace.spec import bundled

    known: dict[tuple[str, str], Callable[[], Iterable[str]]] = {
        ("spec", "SPEC"): bundled.names,
        ("template", "SPEC"): bundled.names,
        ("name", "NAME"): bundled.names,
        ("spec", "CODE|SPEC"): lambda: [*CATALOGUE, *bundled.names()],
        ("to", "FORMAT"): lambda: ALL_FORMATS,
        ("to", "FORMATS"): lambda: FORMATS,
        ("language", "CODE"): lambda: LANGUAGES,
        ("activation", "NAME"): lambda: UNITS,
        ("output_activation", "NAME"): lambda: UNITS,
        ("layout", "rows|columns"): lambda: ("rows", "columns"),
        ("loss", "NAME"): lambda: LOSSES,
        ("topic", "TOPIC"): handbook.topics,
    }
    words = known.get((name, metavar))
    return () if words is None else words()


# --- bash

BASH = r"""# backtrace completion bash
_backtrace() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
    local command=${COMP_WORDS[1]} spec='' words='' valued='' kinds='' number=1 at prefix=''
    COMPREPLY=()
    case $command in
@VALUED@
    esac
    for ((at = 2; at < COMP_CWORD; at++)); do
        case ${COMP_WORDS[at]} in -?*) continue ;; esac
        case " $valued " in *" ${COMP_WORDS[at - 1]} "*) continue ;; esac
        [ -n "$spec" ] || spec=${COMP_WORDS[at]}
        number=$((number + 1))
    done
    if ((COMP_CWORD == 1)); then
        words='@COMMANDS@'
    else
        case " $valued " in
        *" $before "*) at="$command $before" ;;
        *) at="$command $number" ;;
        esac
        case $word in -*) at="$command -" ;; esac
        case $at in
@PLACES@
        esac
    fi
    case $kinds in *ids*)
        words=$("${COMP_WORDS[0]}" completion --ids "$spec" 2>/dev/null)
        case $word in *,*) prefix=${word%,*}, word=${word##*,} ;; esac
        ;;
    esac
    local IFS=$' \n'
    COMPREPLY=($(compgen -W "$words" -P "$prefix" -- "$word"))
    case $kinds in *files*)
        compopt -o filenames 2>/dev/null
        IFS=$'\n'
        COMPREPLY+=($(compgen -f -- "$word"))
        ;;
    esac
    return 0
}
complete -F _backtrace @PROGRAMS@
"""


def bash(commands: list[Command]) -> str:
    """A function that COMPREPLY is filled by; options and words stand in its ``case``."""

    def places() -> Iterator[str]:
        for command in commands:
            spellings = " ".join(name for each in command.options for name in each.spellings)
            yield f"        '{command.name} -') words='{spellings} --help' ;;"
            for place in command.options:
                for name in () if place.is_flag else place.spellings:
                    yield f"        '{command.name} {name}') {_shell_words(place)} ;;"
            for number, place in enumerate(command.arguments, 1):
                yield f"        '{command.name} {number}') {_shell_words(place)} ;;"
            if command.name == "check":
                yield f"        'check '*) {_shell_words(command.arguments[-1])} ;;"

    valued = (f"    {each.name}) valued='{' '.join(_valued(each))}' ;;" for each in commands)
    names = " ".join(each.name for each in commands)
    return (
        BASH.replace("@VALUED@", "\n".join(valued))
        .replace("@PLACES@", "\n".join(places()))
        .replace("@COMMANDS@", f"{names} --help --version")
        .replace("@PROGRAMS@", PROGRAMS)
    )


def _valued(command: Command) -> Iterator[str]:
    """The spellings of the options that are followed by a value."""
    return (name for each in command.options if not each.is_flag for name in each.spellings)


def _shell_words(place: Place) -> str:
    return f"words='{' '.join(place.words)}' kinds='{' '.join(sorted(place.looked_up))}'"


# --- zsh

ZSH = r"""#compdef @PROGRAMS@
# backtrace completion zsh
_backtrace_ids() {
    local -a ids
    ids=(${(f)"$($program completion --ids "${spec:-$line[1]}" 2>/dev/null)"})
    compset -P '*,'
    compadd -qS '' -- $ids
}
_backtrace() {
    local program=$words[1] spec
    local -a commands line
    local context state
    typeset -A opt_args
    commands=(
@COMMANDS@
    )
    if ((CURRENT == 2)); then
        _describe command commands
        return
    fi
    spec=${${(M)words[3,-1]:#[^-]*}[1]}
    shift words
    ((CURRENT--))
    case $words[1] in
@PLACES@
    esac
}
if [ "$funcstack[1]" = _backtrace ]; then _backtrace "$@"; else compdef _backtrace @PROGRAMS@; fi
"""


def zsh(commands: list[Command]) -> str:
    """A function for ``compdef``; each command is a call of ``_arguments``."""

    def places() -> Iterator[str]:
        for command in commands:
            rows = [_zsh_option(place) for place in command.options]
            last = len(command.arguments)
            for number, place in enumerate(command.arguments, 1):
                often = "*" if number == last and command.name in ("check", "help") else number
                rows.append(f"'{often}:{_line(place.help)}:{_zsh_action(place)}'")
            yield f"    {command.name}) _arguments {' '.join(rows)} ;;"

    named = "\n".join(f"        '{each.name}:{each.help}'" for each in commands)
    return (
        ZSH.replace("@COMMANDS@", named)
        .replace("@PLACES@", "\n".join(places()))
        .replace("@PROGRAMS@", PROGRAMS)
    )


def _zsh_option(place: Place) -> str:
    value = "" if place.is_flag else f":value:{_zsh_action(place)}"
    rows = [f"'{name}[{place.help}]{value}'" for name in place.spellings]
    return " ".join(rows)


def _zsh_action(place: Place) -> str:
    if IDS in place.looked_up:
        return "_backtrace_ids"
    if FILES in place.looked_up and place.words:
        return f'{{_alternative "words:word:({" ".join(place.words)})" "files:file:_files"}}'
    if FILES in place.looked_up:
        return "_files"
    return f"({' '.join(place.words)})" if place.words else " "


# --- fish

FISH = r"""# backtrace completion fish
function __backtrace_ids
    set -l words (commandline -opc)
    set -l typed (string replace -r '[^,]*$' '' -- (commandline -ct))
    for id in ($words[1] completion --ids (string match -v -- '-*' $words[3..-1])[1] 2>/dev/null)
        echo $typed$id
    end
end
"""


def fish(commands: list[Command]) -> str:
    """A line for each option and each argument."""

    def lines() -> Iterator[str]:
        for program in PROGRAMS.split():
            yield f"complete -c {program} -f"
            for command in commands:
                begin = f"complete -c {program} -n __fish_use_subcommand"
                yield f"{begin} -a {command.name} -d '{command.help}'"
                begin = f"complete -c {program} -n '__fish_seen_subcommand_from {command.name}'"
                yield from (
                    f"{begin} {_fish(place)} -d '{place.help}'" for place in command.options
                )
                yield from (f"{begin} {_fish(place)}" for place in command.arguments)

    return FISH + "\n".join(lines()) + "\n"


def _fish(place: Place) -> str:
    said = [
        f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in place.spellings
    ]
    if place.spellings and not place.is_flag:
        said.append("-r" if FILES in place.looked_up else "-x")
    if FILES in place.looked_up:
        said.append("-F")
    words = [*place.words, *(["(__backtrace_ids)"] if IDS in place.looked_up else [])]
    return " ".join([*said, *([f"-a '{' '.join(words)}'"] if words else [])])


WRITERS: dict[Shell, Callable[[list[Command]], str]] = {"bash": bash, "zsh": zsh, "fish": fish}
