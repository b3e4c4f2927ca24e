"""The colours of drawings: light, dark where the reader's screen is, or those of a page around."""

from __future__ import annotations

from collections.abc import Mapping

FONT = 'font-family:system-ui,-apple-system,"Segoe UI","DejaVu Sans",Arial,sans-serif'

LIGHT = {
    "paper": "#fdfdfb",
    "rule": "#d9d6cd",
    "ink": "#24292f",
    "quiet": "#57606a",
    "wire": "#7d8894",
    "forward": "#0b4a9e",
    "backward": "#9a4300",
    "updated": "#0b6340",
    "unit": "#eaf3fb",
    "card": "#f3f1ea",
    "goal": "#fff4e0",
    "rises": "#1b7837",
    "falls": "#762a83",
}
DARK = {
    "paper": "#15181d",
    "rule": "#363c45",
    "ink": "#e4e7eb",
    "quiet": "#a3adb8",
    "wire": "#7d8894",
    "forward": "#8fc2ff",
    "backward": "#ffb27a",
    "updated": "#7fdcae",
    "unit": "#172a40",
    "card": "#262a31",
    "goal": "#3a2d14",
    "rises": "#7fcf8f",
    "falls": "#d9a6e3",
}
PAGE = {  # by the names that a page has for its colours
    "paper": "var(--paper)",
    "rule": "var(--rule)",
    "ink": "var(--ink)",
    "quiet": "var(--quiet)",
    "wire": "var(--quiet)",
    "forward": "var(--forward)",
    "backward": "var(--backward)",
    "updated": "var(--updated)",
    "unit": "var(--card)",
    "card": "var(--card)",
    "goal": "var(--card)",
    "rises": "var(--rises)",
    "falls": "var(--falls)",
}

VALUE_SIZES = (15, 13, 11, 9, 7)  # of the number in a unit, which has to fit

RULES = {
    ".page": "fill:{paper};stroke:{rule}",
    "text": "fill:{ink};font-size:12px;text-anchor:middle",
    ".title": "font-size:19px;font-weight:600;text-anchor:start",
    ".fact": "fill:{quiet};font-size:13px;text-anchor:start",
    ".heading": "font-size:14px;font-weight:600",
    ".size": "fill:{quiet}",
    ".edge,.wire,.way": "stroke:{wire};fill:none",
    ".wire": "stroke-width:1.3",
    ".edge.rises": "stroke:{rises}",
    ".edge.falls": "stroke:{falls};stroke-dasharray:7 3",
    ".many": "stroke-opacity:.4",
    ".bar": "stroke:none",
    ".bar.rises,text.rises": "fill:{rises}",
    ".bar.falls,text.falls": "fill:{falls}",
    ".mark": "font-size:75%",
    ".unit,.node": "fill:{unit};stroke:{forward};stroke-width:2",
    ".node": "stroke-width:1.5",
    ".unit.given,.node.given": "fill:{card};stroke:{quiet}",
    ".unit.loss,.node.goal": "fill:{goal};stroke:{backward}",
    ".hatch": "stroke:{quiet};stroke-opacity:.55;fill:none",
    ".value": "font-weight:600",
    **{f".size{size}": f"font-size:{size}px" for size in VALUE_SIZES},
    ".formula": "font-size:13px",
    ".halo": "stroke:{paper};stroke-width:4;stroke-linejoin:round",
    ".forward": "fill:{forward}",
    ".backward": "fill:{backward}",
    ".updated": "fill:{updated}",
    ".way.forward": "stroke:{forward};stroke-width:2.5;fill:none",
    ".way.backward": "stroke:{backward};stroke-width:2.5;fill:none",
    ".head.forward": "fill:{forward}",
    ".head.backward": "fill:{backward}",
    ".bracket": "stroke:{quiet};stroke-width:1.2;fill:none",
    ".name": "text-anchor:start;font-size:14px",
    ".entry": 'text-anchor:end;font-family:ui-monospace,"DejaVu Sans Mono",Menlo,monospace;'
    "font-size:13px",
    ".more": "font-size:22px;fill:{quiet}",
    ".legend": "text-anchor:start;font-size:13px",
}


def of_file(rules: Mapping[str, str] = RULES) -> str:
    """The style of a drawing that is a file of its own, in ``rules`` with names for colours."""
    dark = _rules({key: rule for key, rule in rules.items() if "{" in rule}, DARK)
    return f"svg{{{FONT}}}{_rules(rules, LIGHT)}@media (prefers-color-scheme: dark){{{dark}}}"


def in_page() -> str:
    """The style of the drawings in a page, in its colours."""
    within = {
        ",".join(f".backtrace .drawing {each}" for each in key.split(",")): rule
        for key, rule in RULES.items()
    }
    return _rules(within, PAGE)


def _rules(rules: Mapping[str, str], colours: Mapping[str, str]) -> str:
    return "\n".join(f"{key}{{{rule.format(**colours)}}}" for key, rule in rules.items())
