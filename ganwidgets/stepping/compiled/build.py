"""Compiles the step of a plan; run as ``python -m ganwidgets.stepping.compiled.build plan.json program.pt2``.

It runs in a separate process, because `torch.compiler.is_compiling` is true in the whole process while one of its
threads compiles: an eager run in the same process would take other branches in PyTorch, and produce other bits.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch._ops import OpOverload

from ganwidgets.stepping.compiled.plan import StepPlan
from ganwidgets.stepping.compiled.step import CompilableStep, input_shapes
from ganwidgets.stepping.runtime.ambient import pinned

__all__ = ["build"]


def _softplus(x: Tensor, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    """Return softplus with the logarithm of 1 + e, corrected for the rounding of that sum."""
    e = torch.exp(beta * x)
    rounded = 1 + e
    log1p = torch.log(rounded) - ((rounded - 1) - e) / rounded
    return torch.where(beta * x > threshold, x, log1p / beta)


FASTER: Mapping[OpOverload, Callable[..., Any]] = {torch.ops.aten.softplus.default: _softplus}
"""Operators that are computed otherwise: `log1p` takes 8 times as long as `log` on a processor with AVX-512, so that the
losses of 64 lanes took a tenth of their step."""


def build(plan: StepPlan, program: Path) -> None:
    """Write the compiled step of `plan` to the file `program`, atomically."""
    from torch.fx.experimental.proxy_tensor import make_fx

    torch.set_num_threads(plan.threads)
    inputs = tuple(torch.rand(shape) for shape in input_shapes(plan).values())
    with pinned(plan.threads):
        graph = make_fx(CompilableStep(plan), decomposition_table=FASTER)(*inputs)
        graph.graph.eliminate_dead_code()
        graph.recompile()
        with torch.no_grad():
            exported = torch.export.export(graph, inputs)
            with tempfile.TemporaryDirectory(dir=program.parent) as folder:
                made = torch._inductor.aoti_compile_and_package(
                    exported,
                    package_path=str(Path(folder) / program.name),
                    inductor_configs={"cpp.threads": plan.threads},
                )
                Path(made).replace(program)


if __name__ == "__main__":
    with contextlib.suppress(AttributeError, OSError):
        os.nice(10)  # the run trains meanwhile
    build(StepPlan.from_json(Path(sys.argv[1]).read_text(encoding="utf-8")), Path(sys.argv[2]))
