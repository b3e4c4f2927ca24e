"""The updates and the epochs of a spec as the lines of a PyTorch program."""

from __future__ import annotations

from collections.abc import Iterator

from backtrace.formats.torch.objective import arguments, data_loss, ends_at_z
from backtrace.formats.torch.optimizer import by_hand, clipping
from backtrace.formats.torch.python_text import constant
from backtrace.spec.model import Spec
from backtrace.tape.accuracy import are_signs, classes
from backtrace.tape.parameters import trained_ids

SHOWN_EPOCHS = 10  # lines that a training prints, beside the first


def trains(spec: Spec) -> bool:
    """Whether an update changes anything."""
    return bool(trained_ids(spec))


# --- the samples of an update


def batches(spec: Spec) -> list[str]:
    """The definition of the samples of every update; nothing where all go at once."""
    size = spec.batch_size
    if size is None or (size >= spec.samples and not spec.shuffle):
        return []
    if not spec.shuffle:
        return [f"batches = torch.arange(len(x)).split({size})  # the samples of each update"]
    return [
        "def batches(epoch):",
        '    """The samples of each update, in an order of the seed and the epoch."""',
        f"    order = np.random.default_rng([{spec.seed or 0}, epoch]).permutation(len(x))",
        f"    return torch.from_numpy(order).split({size})",
    ]


def first_batch(spec: Spec) -> str:
    """The expression of the first update's samples; empty where that is all of them."""
    if not batches(spec):
        return ""
    return "batches(1)[0]" if spec.shuffle else "batches[0]"


def taken(spec: Spec, batch: str) -> str:
    """The arguments of the loss, those of the samples ``batch`` where it is not empty."""
    if spec.loss is None:  # of equations, whose names the program has
        return ""
    index = f"[{batch}]" if batch else ""
    return ", ".join(f"{name}{index}" for name in arguments(spec.loss))


# --- the epochs


def training(spec: Spec) -> list[list[str]]:
    """The report of an epoch and the loop over them, a block each."""
    blocks = [[f"EPOCHS, SHOWN = {spec.epochs_of_training}, {_shown(spec)}"]]
    if _shown(spec) == 1:
        blocks = [[f"EPOCHS = {spec.epochs_of_training}"]]
    if classes(spec):
        blocks.append(_accuracy(spec))
    blocks.append(list(_report(spec)))
    stops = spec.keeps_best or spec.stop.loss is not None
    blocks.append(list(_watched(spec) if stops else _epochs(spec)))
    return blocks


def _shown(spec: Spec) -> int:
    """Every how many epochs one is printed."""
    return max(1, spec.epochs_of_training // SHOWN_EPOCHS)


def _accuracy(spec: Spec) -> list[str]:
    words = "The share of samples whose largest output is that of their class."
    right = "net(x).argmax(1) == y.argmax(1)"
    if spec.layers[-1].units == 1:
        words = "The share of samples whose output lies on the right side of one half."
        right = "(net(x) >= 0.5) == (y >= 0.5)"
        if are_signs(spec):
            words = "The share of samples whose output has the sign of its target."
            right = "(net(x) >= 0) == (y >= 0)"
        elif ends_at_z(spec):
            words = "The share of samples whose z lies on the right side of 0, so σ(z) of one half."
            right = "(net(x) >= 0) == (y >= 0.5)"
    return ["def accuracy(x, y):", f'    """{words}"""', f"    return ({right}).double().mean()"]


def _report(spec: Spec) -> Iterator[str]:
    yield "def report(epoch):"
    yield "    with torch.no_grad():"
    yield f'        line = f"epoch {{epoch:4}}  {spec.followed} {{loss({taken(spec, "")}):.6g}}"'
    if classes(spec):
        yield '        line += f"  accuracy {accuracy(x, y):.1%}"'
    if spec.validation is not None:
        held = _held_out(spec)
        yield f'        line += f"  held out: loss {{{data_loss(spec)}({held}):.6g}}"'
        if classes(spec):
            yield f'        line += f"  accuracy {{accuracy({held}):.1%}}"'
    yield "    say(line)"


def _held_out(spec: Spec) -> str:
    assert spec.loss is not None
    return ", ".join(f"{name}_held_out" for name in arguments(spec.loss))


def _epochs(spec: Spec) -> Iterator[str]:
    yield "report(0)"
    yield "for epoch in range(1, EPOCHS + 1):"
    yield from _updates(spec, "    ")
    if _shown(spec) == 1:
        yield "    report(epoch)"
        return
    yield "    if epoch % SHOWN == 0 or epoch == EPOCHS:"
    yield "        report(epoch)"


def _updates(spec: Spec, indent: str) -> Iterator[str]:
    """The updates of one epoch."""
    index = ""
    if batches(spec):
        of = "batches(epoch)" if spec.shuffle else "batches"
        yield f"{indent}for batch in {of}:"
        indent, index = f"{indent}    ", "batch"
    owner = "net" if by_hand(spec) else "optimizer"
    yield f"{indent}{owner}.zero_grad()"
    if spec.equations is None:
        yield f"{indent}backward({taken(spec, index)})"
    else:
        yield f"{indent}{'(-loss())' if spec.climbs else 'loss()'}.backward()"
    yield from (f"{indent}{line}" for line in clipping(spec))
    if by_hand(spec):
        yield f"{indent}step()"
    else:
        yield f"{indent}optimizer.step()"
        if spec.schedule.kind != "constant":
            yield f"{indent}schedule.step()"
    if spec.equations is not None:
        yield f"{indent}if epoch == 1:"
        yield f"{indent}    check_update()"


def _watched(spec: Spec) -> Iterator[str]:
    """The epochs with what stops them and what is kept; the loss is taken before each."""
    judged = taken(spec, "") if spec.validation is None else _held_out(spec)
    name = "loss" if spec.validation is None else data_loss(spec)
    best = spec.keeps_best
    if best:
        yield 'lowest, best_epoch = float("inf"), 0'
    yield "for epoch in range(EPOCHS + 1):"
    yield "    if epoch > 0:  # the first round only measures the start"
    yield from _updates(spec, "        ")
    yield "    with torch.no_grad():"
    yield f"        judged = {'-' if spec.climbs else ''}{name}({judged}).item()"
    if best:
        yield "    if judged < lowest:"
        yield "        lowest, best_epoch, best = judged, epoch, copy.deepcopy(net.state_dict())"
    yield from _shown_or_done(spec)
    if best:
        yield "net.load_state_dict(best)"
        yield 'say("The best is kept:")'
        yield "report(best_epoch)"


def _shown_or_done(spec: Spec) -> Iterator[str]:
    """Which epochs are printed, and, where something stops the training, after which it ends."""
    stops = ["epoch == EPOCHS"]
    if spec.stop.loss is not None:
        enough = constant(spec.stop.loss)
        stops.append(f"-judged >= {enough}" if spec.climbs else f"judged <= {enough}")
    if spec.stop.patience is not None:
        stops.append(f"epoch - best_epoch >= {spec.stop.patience}")
    done = stops[0]
    if stops[1:]:
        yield f"    done = {' or '.join(stops)}"
        done = "done"
    if _shown(spec) == 1:
        yield "    report(epoch)"
    else:
        yield f"    if {done} or epoch % SHOWN == 0:"
        yield "        report(epoch)"
    if stops[1:]:
        yield "    if done:"
        yield "        break"
