"""Compiles the step of a plan; run as ``python -m ganwidgets.stepping.compiled.build plan.json program.pt2``.

It runs in a separate process, because `torch.compiler.is_compiling` is true in the whole process while one of its
threads compiles: an eager run in the same process would take other branches in PyTorch, and produce other bits.
"""

from __future__ import annotations

import contextlib
import functools
import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch._ops import OpOverload

from ganwidgets.stepping.compiled.mersenne_twister import WORDS, next_words
from ganwidgets.stepping.compiled.noise import words_at_once
from ganwidgets.stepping.compiled.plan import StepPlan
from ganwidgets.stepping.compiled.step import CompilableStep, example_inputs
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
    """Write the compiled functions of `plan` to the file `program`, atomically."""
    from torch._inductor.package.package import package_aoti
    from torch.fx.experimental.proxy_tensor import make_fx

    torch.set_num_threads(plan.threads)
    functions: dict[str, tuple[Callable[..., Any], tuple[Tensor, ...]]] = {
        "step": (CompilableStep(plan), tuple(example_inputs(plan).values()))
    }
    if words_at_once(plan):
        window = torch.zeros(plan.lanes, WORDS, dtype=torch.int32)
        functions["words"] = functools.partial(next_words, n=words_at_once(plan)), (window,)
    made: dict[str, Any] = {}
    options = {"cpp.threads": plan.threads, "aot_inductor.package": True}
    with pinned(plan.threads):
        for name, (function, inputs) in functions.items():
            graph = make_fx(function, decomposition_table=FASTER)(*inputs)
            graph.graph.eliminate_dead_code()
            graph.recompile()
            with torch.no_grad():
                exported = torch.export.export(graph, inputs)
                made[name] = torch._inductor.aot_compile(exported.module(), inputs, options=options)
        with tempfile.TemporaryDirectory(dir=program.parent) as folder:
            file = Path(folder) / program.name
            package_aoti(str(file), made)
            file.replace(program)


if __name__ == "__main__":
    with contextlib.suppress(AttributeError, OSError):
        os.nice(10)  # the run trains meanwhile
    build(StepPlan.from_json(Path(sys.argv[1]).read_text(encoding="utf-8")), Path(sys.argv[2]))
