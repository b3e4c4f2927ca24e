"""The parts of the handbook that are made of the program's own tables, and the shipped schema.

    python -m tests.handbook.generated

writes them anew: after a change of an option, or of the catalogue of mistakes.
"""

import re
from pathlib import Path

import typer

from backtrace.check.mistakes.catalogue import CATALOGUE
from backtrace.cli.app import app
from backtrace.formats.json.schemas import documents as schemas
from backtrace.page.catalogue import PHASES

ROOT = Path(__file__).resolve().parent.parent.parent
HANDBOOK = ROOT / "backtrace" / "handbook"
COMMANDS = typer.main.get_command(app).commands
BEGIN, END = "<!-- generated: {} -->\n", "<!-- end -->\n"


def cell(text):
    """A text in a table of Markdown."""
    return re.sub(r"([|*<])", r"\\\1", re.sub(r"(\\\w+)", r"`\1`", text))


def flags(option):
    """How an option is written: ``--output FILE``, ``-o``; its choices are in the next cell."""
    value = "" if option.is_flag else f" {cell(option.metavar or 'N')}"
    if getattr(option.type, "choices", None):
        value = ""
    names = [*sorted(option.opts, key=len, reverse=True), *option.secondary_opts]
    return ", ".join([f"`{names[0]}{value}`", *(f"`{name}`" for name in names[1:])])


def said(option):
    """What an option does, what may be said, and what holds without it."""
    choices = getattr(option.type, "choices", None) or []
    unsaid = not set(choices) <= set(re.findall(r"\w+", option.help))
    listed = f" ({', '.join(f'`{choice}`' for choice in choices)})" if unsaid else ""
    flag = option.is_flag or option.default in (None, "")
    default = "" if flag or not option.show_default else f" Without it: `{option.default}`."
    return f"{cell(option.help.rstrip('.'))}{listed}.{default}"


def command(name):
    """A command: how it is called, what it does, its options."""
    found = COMMANDS[name]
    arguments = [p for p in found.params if p.param_type_name == "argument"]
    options = [p for p in found.params if p.param_type_name == "option"]
    call = " ".join(["backtrace", name, *(each.metavar for each in arguments)])
    lines = [f"## {name}", "", f"`{call}`: {found.help[0].lower()}{found.help[1:]}", ""]
    lines += [f"- `{each.metavar.strip('[].')}`: {cell(each.help)}" for each in arguments]
    lines += [""] * bool(arguments)
    if options:
        lines += ["| option | what it does |", "|---|---|"]
        lines += [f"| {flags(each)} | {said(each)} |" for each in options]
        lines += [""]
    return "\n".join(lines)


def commands():
    return "\n".join(map(command, COMMANDS))


def mistake(found):
    """What `backtrace mistakes CODE` says of one."""
    return "\n".join([
        f"### {found.code}",
        "",
        f"{found.title[0].upper()}{found.title[1:]}.",
        "",
        f"- where: {plain(found.where)}",
        f"- wrong rule: {plain(found.rule)}",
        f"- hint: {plain(found.tell)}",
        f"- example: {plain(found.example)}",
        "",
    ])  # fmt: skip


def plain(text):
    """Words in which nothing is markup."""
    return re.sub(r"([\\`*_\[\]<>|])", r"\\\1", text)


def mistakes():
    parts = []
    for phase, title in PHASES.items():
        parts += [f"## {title}", "", *(mistake(m) for m in CATALOGUE.values() if m.phase == phase)]
    return "\n".join(parts)


PARTS = {"commands": commands, "mistakes": mistakes}


def renewed(name, text):
    """A chapter with its generated part made anew."""
    begin = BEGIN.format("python -m tests.handbook.generated")
    before, _, rest = text.partition(begin)
    after = rest.partition(END)[2]
    return f"{before}{begin}\n{PARTS[name]()}\n{END}{after}"


SCHEMA = ROOT / "networks" / "spec.schema.json"

if __name__ == "__main__":
    SCHEMA.write_text(schemas.text("spec"), encoding="utf-8")
    for name in PARTS:
        path = HANDBOOK / f"{name}.md"
        path.write_text(renewed(name, path.read_text(encoding="utf-8")), encoding="utf-8")
