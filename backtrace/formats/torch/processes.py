"""What lets a PyTorch program run as one process or, under ``torchrun``, as several.

Each works its share of an update's samples, and ``DistributedDataParallel`` takes the mean of their
gradients: so each weighs its share by how many processes there are.
"""

from __future__ import annotations

from backtrace.formats.torch.objective import arguments, penalised, penalty_call
from backtrace.formats.torch.python_text import remark
from backtrace.spec.model import Spec

RANK = 'int(os.environ.get("RANK", 0))'
SAY = ["def say(line):", "    if RANK == 0:", "        print(line)"]


def beginning() -> list[list[str]]:
    """Which process it is of how many, on which device; before any tensor is made."""
    words = (
        "Under `torchrun --nproc-per-node N` N processes run this program, each with its share of "
        "the samples, on a GPU of its own where there are enough. Else there is one."
    )
    return [
        [
            *remark(words),
            f'RANK, PROCESSES = {RANK}, int(os.environ.get("WORLD_SIZE", 1))',
            "if PROCESSES > 1:",
            '    if torch.cuda.device_count() >= int(os.environ["LOCAL_WORLD_SIZE"]):',
            "        torch.set_default_device(f\"cuda:{os.environ['LOCAL_RANK']}\")",
            "    torch.distributed.init_process_group()  # nccl between GPUs, gloo between CPUs",
        ],
        SAY,
    ]


def alone() -> list[list[str]]:
    """The beginning of a program without samples to share out."""
    words = "Under `torchrun` every process works all of it, and the first one speaks."
    return [[*remark(words), f"RANK = {RANK}"], SAY]


def shared() -> list[str]:
    """The network, whose gradients are those of all processes."""
    return ["if PROCESSES > 1:", "    net = nn.parallel.DistributedDataParallel(net)"]


def backward(spec: Spec) -> list[str]:
    """The definition of an update's gradients."""
    assert spec.loss is not None
    names = arguments(spec.loss)
    if spec.loss.mean:
        weight = "PROCESSES * len(x[RANK::PROCESSES]) / len(x)"
    else:
        weight = "PROCESSES if RANK < len(x) else 0"
    shares = ", ".join(f"{name}[share]" for name in names)
    value = f"weight * loss({shares})"
    if penalised(spec):
        value = f"weight * data_loss({shares}) + {penalty_call(spec)}"
    return [
        f"def backward({', '.join(names)}):",
        '    """Gradients of the loss: the mean of what the processes find, each for its share."""',
        "    share = slice(RANK, None, PROCESSES) if RANK < len(x) else slice(1)",
        f"    weight = {weight}",
        f"    ({value}).backward()",
    ]


def end() -> list[str]:
    """The processes leave together, and with nothing left that would still speak to the others."""
    return [
        "if PROCESSES > 1:",
        "    net = net.module",
        "    torch.distributed.barrier()",
        "    torch.distributed.destroy_process_group()",
    ]
