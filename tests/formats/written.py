"""A trace as each format writes it, in one call."""

from backtrace.formats.registry import FORMATS


def markdown(trace, view):
    return FORMATS["markdown"].render(trace, view).decode()


def html(trace, view):
    return FORMATS["html"].render(trace, view).decode()


def latex(trace, view):
    return FORMATS["latex"].render(trace, view).decode()
