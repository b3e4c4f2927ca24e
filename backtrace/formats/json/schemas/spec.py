"""The schema of a spec, made of the tables that its reader goes by."""

from __future__ import annotations

from backtrace.formats.json.schemas.parts import (
    PARTS,
    Schema,
    any_of,
    choice,
    function,
    mapping,
    matrix,
    number,
    one_of_keys,
    ref,
    whole,
)
from backtrace.functions.activations import ACTIVATIONS
from backtrace.functions.losses import LOSSES
from backtrace.functions.optimizers import OPTIMIZERS, SCHEDULES
from backtrace.functions.penalties import FORMS
from backtrace.page.handbook import said_in
from backtrace.spec.document.fields import ANY, NOT_NEGATIVE, POSITIVE
from backtrace.spec.document.vocabulary import EQUATION_KEYS, TOP_KEYS
from backtrace.spec.equations.given import INFINITE, LARGEST
from backtrace.spec.equations.lines import NAME
from backtrace.spec.model import NOTATION_CHOICES, VERDICTS_WITH_CREDIT
from backtrace.spec.read.conventions import ARITHMETIC, CONVENTIONS, MOST_DECIMALS
from backtrace.spec.read.holdout import PART
from backtrace.spec.read.layers import BIAS_RULES
from backtrace.spec.read.quantities.expected import BLANKS, NOT_ZERO
from backtrace.spec.read.quantities.marks import OMIT, SHARE
from backtrace.spec.read.spec_builder import LARGEST_SEED
from backtrace.spec.read.training import CONSTANT_RANGES, MOST_EPOCHS, RATE, RATE_RANGES
from backtrace.spec.read.weight_rules import INITIALIZERS


def spec() -> Schema:
    """Of layers, or, where there are ``equations``, of these."""
    return {
        "title": "A spec of backtrace",
        "type": "object",
        "if": {"required": ["equations"]},
        "then": _of_equations(),
        "else": _of_layers(),
        "$defs": {
            **PARTS,
            "array_file": _array_file(),
            "data_file": _data_file(),
            "samples": any_of(ref("matrix"), ref("data_file")),
            "rule": any_of(*map(_rule, INITIALIZERS)),
            "bias_numbers": any_of(
                ref("matrix"), ref("array_file"), *(_rule(name) for name in BIAS_RULES)
            ),
            "lines": _lines(),
            "named": {
                "type": "object",
                "patternProperties": _given(),
                "additionalProperties": False,
            },
            **_shared(),
        },
    }


def _of_layers() -> Schema:
    keys = {
        **{key: ref(key) for key in _shared()},
        "layers": {"type": "array", "items": _layer(), "minItems": 1},
        "inputs": ref("samples"),
        "targets": ref("samples"),
        "loss": _loss(),
        "regularization": _regularization(),
        "freeze": ref("names"),
        "updates": _updates(),
        "validation": _validation(),
        "standardize": ref("flag"),
        "backpropagate_through": choice(["old", "updated"]),
        "output_delta": choice(["shortcut", "chain"]),
        "conventions": mapping({key: choice(words) for key, words in CONVENTIONS.items()}),
        "notation": mapping({key: choice(words) for key, words in NOTATION_CHOICES.items()}),
        "trace": mapping({"inputs_gradient": ref("flag")}),
    }
    found = described({key: keys[key] for key in TOP_KEYS}, "keys")
    return mapping(found, ["layers", "inputs"], **_ONE_RATE)


def _of_equations() -> Schema:
    notation = {**NOTATION_CHOICES, "gradient": ("d", "partial", "bar")}
    keys = {
        **{key: ref(key) for key in _shared()},
        "given": ref("named"),
        "equations": {"$ref": "#/$defs/lines"},
        "loss": any_of({"type": "string"}, mapping({"upstream": ref("named")}, ["upstream"])),
        "maximize": {"type": "string"},
        "upstream": ref("named"),
        "constants": ref("names"),
        "parameters": ref("names"),
        "conventions": mapping({"layout": choice(CONVENTIONS["layout"])}),
        "notation": mapping({key: choice(words) for key, words in notation.items()}),
    }
    found = described({key: keys[key] for key in EQUATION_KEYS}, "keys", "what may be written")
    return mapping(found, ["equations"], **_ONE_RATE)


def described(keys: dict[str, Schema], *sections: str) -> dict[str, Schema]:
    """The keys with what the handbook's tables say of them, for editors to show."""
    said = {key: words for section in sections for key, words in said_in(section).items()}
    return {
        key: {**schema, "description": said[key]} if key in said else schema
        for key, schema in keys.items()
    }


_ONE_RATE: Schema = {"not": {"required": ["learning_rate", "optimizer"]}}


def _lines() -> Schema:
    """Lines of equations, and loops with lines of their own."""
    loop = mapping({"for": {"type": "string"}, "do": ref("lines")}, ["for", "do"])
    line: Schema = {"type": "string", "pattern": "="}
    return {"type": "array", "minItems": 1, "items": any_of(line, loop)}


def _shared() -> dict[str, Schema]:
    """The keys that go with layers and with equations."""
    decimals = whole(0, MOST_DECIMALS)
    return {
        "title": ref("text"),
        "source": ref("text"),
        "learning_rate": number(RATE),
        "optimizer": _optimizer(),
        "schedule": _schedule(),
        "clip": one_of_keys({"norm": number(POSITIVE), "value": number(POSITIVE)}),
        "arithmetic": any_of(choice(ARITHMETIC), one_of_keys({"round_each_step": decimals})),
        "display": mapping({"decimals": decimals}),
        "epochs": whole(1, MOST_EPOCHS),
        "training": _training(),
        "seed": whole(0, LARGEST_SEED),
        "ask": ref("names"),
        "answers": one_of_keys({"decimals": decimals, "digits": whole(1, MOST_DECIMALS)}),
        "accept": choice(["conventions", "none"]),
        "marks": _marks(),
        "expect": {"type": "object", "additionalProperties": _expected()},
    }


# Layers and data


def _layer() -> Schema:
    keys = {
        "units": whole(1),
        "activation": _activation(),
        "weights": any_of(ref("matrix"), choice(INITIALIZERS), ref("rule"), ref("array_file")),
        "bias": _bias(),
    }
    return mapping(described(keys, "layers"), ["activation", "weights", "bias"])


def _activation() -> Schema:
    found = {name: {key: number() for key in row.constants} for name, row in ACTIVATIONS.items()}
    for name, row in ACTIVATIONS.items():
        if row.learned:
            found[name][row.learned] = any_of(ref("matrix"), ref("array_file"))
    return function(found)


def _bias() -> Schema:
    numbers = ref("bias_numbers")
    forms = {
        "shared": any_of(ref("matrix"), ref("array_file")),
        "threshold": numbers,
        "in_weights": choice(["first", "last"]),
    }
    return any_of(choice(["none", None]), numbers, one_of_keys(forms))


def _rule(name: str, **further: Schema) -> Schema:
    parameters = INITIALIZERS[name].parameters
    ranges = {key: NOT_NEGATIVE if key == "std" else ANY for key in parameters}
    keys = {key: number(accepted) for key, accepted in ranges.items()}
    return mapping({"init": {"const": name}, **keys, **further}, ["init", *further])


def _array_file() -> Schema:
    return mapping({"file": ref("text"), "array": ref("text")}, ["file"])


def _data_file() -> Schema:
    column = any_of(ref("index"), {"type": "string"})
    columns = any_of(column, {"type": "array", "items": column, "minItems": 1})
    keys = {
        "file": ref("text"),
        "rows": ref("span"),
        "columns": columns,
        "header": ref("flag"),
        "array": ref("text"),
        "scale": number(),
        "one_hot": whole(2),
    }
    return mapping(keys, ["file"])


def _given() -> dict[str, Schema]:
    """Names of equations, and what they may be given as."""
    size = whole(1, LARGEST)
    shape: Schema = {"type": "array", "items": size, "minItems": 2, "maxItems": 2}
    rules = (_rule(name, shape=shape) for name in INITIALIZERS)
    return {f"^{NAME.pattern}$": any_of(matrix(tuple(INFINITE)), ref("data_file"), *rules)}


# What is minimized, and how


def _loss() -> Schema:
    reduce = {"reduce": choice(["sum", "mean"])}
    found = {
        name: {**reduce, **{key: number(POSITIVE) for key in row.parameters}}
        for name, row in LOSSES.items()
    }
    return any_of(mapping({"upstream": ref("matrix")}, ["upstream"]), function(found))


def _optimizer() -> Schema:
    found = {}
    for name, row in OPTIMIZERS.items():
        keys = {key: row.aliases.get(key, key) for key in [*row.constants, *row.aliases]}
        found[name] = {
            "learning_rate": number(RATE),
            **{key: number(CONSTANT_RANGES.get(means, ANY)) for key, means in keys.items()},
            **({"form": choice(row.forms)} if row.forms else {}),
        }
    return function(found)


def _schedule() -> Schema:
    forms = {
        name: mapping(
            {
                key: whole(1) if key == "every" else number(RATE_RANGES[key])
                for key in row.constants
            },
            row.constants,
        )
        for name, row in SCHEDULES.items()
        if row.constants
    }
    rates = {"type": "array", "items": number(RATE), "minItems": 1}
    return any_of(rates, one_of_keys(forms))


def _regularization() -> Schema:
    keys = {
        "l1": number(NOT_NEGATIVE),
        "l2": number(NOT_NEGATIVE),
        "form": choice(FORMS),
        "biases": ref("flag"),
    }
    return mapping(keys, anyOf=[{"required": ["l1"]}, {"required": ["l2"]}])


def _updates() -> Schema:
    batches = mapping({"batch_size": whole(1), "shuffle": ref("flag")}, ["batch_size"])
    return any_of(choice(["batch", "online"]), batches)


def _validation() -> Schema:
    keys = {
        "every": whole(2),
        "share": number(PART),
        "rows": ref("span"),
        "inputs": ref("samples"),
        "targets": ref("samples"),
    }
    ways = [{"required": [way]} for way in keys if way != "targets"]
    return mapping(keys, oneOf=ways, dependentRequired={"targets": ["inputs"]})


def _training() -> Schema:
    keys = {"epochs": whole(1, MOST_EPOCHS), "patience": whole(1), "stop_at_loss": number()}
    return mapping(keys, minProperties=1)


# Of its quantities


def _marks() -> Schema:
    share = any_of(number(SHARE), {"const": OMIT})
    keys = {
        "points": {"type": "object", "additionalProperties": number(NOT_NEGATIVE)},
        "total": number(POSITIVE),
        **dict.fromkeys(VERDICTS_WITH_CREDIT, share),
        "repeated": number(SHARE),
        "only_first_mistake": ref("flag"),
        "submissions": choice(["last", "best", "first"]),
    }
    return mapping(keys)


def _expected() -> Schema:
    figure = matrix(tuple(BLANKS))
    printing = mapping(
        {
            "value": figure,
            "slips": {"type": "object", "additionalProperties": ref("text")},
            "times": number(NOT_ZERO),
            "where": ref("text"),
        },
        ["value"],
    )
    several = {"type": "array", "items": any_of(printing, figure), "minItems": 1}
    return any_of(figure, printing, several)
