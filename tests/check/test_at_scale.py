"""A million sheets: a stream in constant memory, in order; the same reports from a Dask cluster."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import backtrace

SPEC = """
layers: [{activation: relu, weights: [[0.5, -1], [1.5, 1]], bias: [0.2, -0.3]}]
inputs: [[1, 2]]
targets: [[3, 1]]
loss: half_sse
"""
# z = 1·[0.5 −1] + 2·[1.5 1] + [0.2 −0.3] = [3.7 0.7], δ = a − y = [0.7 −0.3]
RIGHT = {"z1": [3.7, 0.7], "a1": [3.7, 0.7], "delta1": [0.7, -0.3]}
PADDING = 400_000  # bytes of a line that nobody looks at
MOST_KEPT = 8  # lines' worth of memory that may go to whatever else


def sheet(number):
    """Every third student left out the bias."""
    answers = RIGHT if number % 3 else RIGHT | {"z1": [3.5, 1.0], "a1": [3.5, 1.0]}
    return {"student": f"S{number}", "answers": answers}


def resident(process):
    """Bytes of memory that a process has."""
    pages = Path(f"/proc/{process.pid}/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_stream_is_answered_line_by_line_in_constant_memory(tmp_path):
    """Each report comes before the next line is sent; what was read is gone again."""
    spec = tmp_path / "spec.yaml"
    spec.write_text(SPEC, encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, "-m", "backtrace", "check", str(spec), "-", "--format", "jsonl"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    seen = []
    for number in range(30):
        line = sheet(number) | {"remark": "x" * PADDING}
        process.stdin.write(json.dumps(line).encode() + b"\n")
        process.stdin.flush()
        answered = json.loads(process.stdout.readline())
        assert answered["student"] == f"S{number}"
        assert (answered["first_mistake"] is None) == bool(number % 3)
        seen.append(resident(process))
    process.stdin.close()
    assert process.wait() == 1
    process.stdout.close()
    assert seen[-1] - seen[9] < MOST_KEPT * PADDING  # twenty lines lie between them


def one_report(spec, answers):
    """What a worker does with a sheet, and what it sends back."""
    return backtrace.check(spec, answers)


@pytest.mark.filterwarnings("default")  # of the cluster's own making
def test_a_cluster_gives_the_reports_that_one_process_gives():
    distributed = pytest.importorskip("distributed", reason="the extra `test` has it")
    sheets = [sheet(number)["answers"] for number in range(24)]
    cluster = distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=50
    )
    with cluster, distributed.Client(cluster) as client:
        found = client.gather(client.map(one_report, [SPEC] * len(sheets), sheets, pure=False))
    assert found == [backtrace.check(SPEC, answers) for answers in sheets]
    assert [each.first_mistake is None for each in found] == [bool(n % 3) for n in range(24)]
