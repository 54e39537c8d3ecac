"""Freed memory is used again."""

import platform
import subprocess
import sys

import pytest

PROGRAM = """
import resource, torch
from ganwidgets.stepping.runtime.memory import keep_memory

def pages():
    results = []
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(10):
        results = [torch.ones(2**18) for _ in range(20)]
        del results
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

pages()
without = pages()
keep_memory()
pages()
print(without, pages())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another library's malloc has rules of its own")
def test_intermediate_results_reuse_the_memory_of_earlier_ones():
    answer = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    without, kept = map(int, answer.stdout.split())
    assert without > 1000
    assert kept < 100
