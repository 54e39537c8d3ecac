"""Measure one image of StyleGAN3 at 256x256, against the plainest filters with the same weights.

The plain path inserts zeros, pads, and convolves each channel with the filter. Both run in turn, on one
thread, in processor time; the figure is the median of the rounds' ratios.

    python benchmarks/stylegan3.py [--rounds 3] [--resolution 256] [--radial]
"""

from __future__ import annotations

import argparse
import statistics
import time

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import conv2d, pad

from ganwidgets.networks.stylegan3 import Generator, initialize
from ganwidgets.networks.stylegan3.resampling import FilteredLeakyReLU, Resampling


def plain_resampling(x: Tensor, step: Resampling) -> Tensor:
    """Return the same as `step`, with zeros inserted and one depthwise convolution for each axis or filter."""
    n, c, height, width = x.shape
    up = step.up
    zeros = x.new_zeros(n, c, height, up, width, up)
    zeros[:, :, :, 0, :, 0] = x
    x = pad(zeros.view(n, c, height * up, width * up), step.padding)
    if len(step.terms) == 1:
        vertical, horizontal = (torch.tensor(taps).flip(0) for taps in step.terms[0])
        x = conv2d(x, horizontal.expand(c, 1, 1, -1), groups=c)
        x = conv2d(x, vertical[:, None].expand(c, 1, -1, 1), groups=c)
    else:
        taps = sum(np.outer(one, other) for one, other in step.terms)
        kernel = torch.as_tensor(taps, dtype=torch.float32).flip((0, 1))
        x = conv2d(x, kernel.expand(c, 1, -1, -1), groups=c)
    return x[:, :, :: step.down, :: step.down] * step.gain


def plainly(nonlinearity: FilteredLeakyReLU, x: Tensor) -> Tensor:
    """Return the alias-free nonlinearity in its plainest form."""
    if nonlinearity.up.identity and nonlinearity.down.identity:
        return nonlinearity.pointwise(x)
    return plain_resampling(nonlinearity.pointwise(plain_resampling(x, nonlinearity.up)), nonlinearity.down)


def main() -> None:
    """Print the processor seconds of both, and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--resolution", type=int, default=256)
    parser.add_argument("--radial", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    options = {"channel_base": 16384, "channel_max": 512, "mapping_kwargs": {"num_layers": 2}}
    if arguments.radial:
        options |= {
            "channel_base": 32768,
            "channel_max": 1024,
            "conv_kernel": 1,
            "use_radial_filters": True,
        }
    network = Generator(512, 0, 512, arguments.resolution, 3, **options).eval()
    initialize(network, torch.Generator().manual_seed(0))
    z = torch.randn(1, 512, generator=torch.Generator().manual_seed(1))
    ours, seconds = FilteredLeakyReLU.__call__, {"tiles": [], "plain": []}
    images = {}
    with torch.inference_mode():
        network(z)
        for _ in range(arguments.rounds):
            for name, call in (("tiles", ours), ("plain", plainly)):
                FilteredLeakyReLU.__call__ = call
                began = time.process_time()
                images[name] = network(z)
                seconds[name].append(time.process_time() - began)
    ratios = [plain / tiles for tiles, plain in zip(seconds["tiles"], seconds["plain"], strict=True)]
    for name, measured in seconds.items():
        print(f"{name}: {statistics.median(measured):.2f} processor seconds")
    print(f"ratio {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")
    print(f"greatest magnitude {float(images['plain'].abs().max()):.2f}")
    print(f"greatest difference {float((images['tiles'] - images['plain']).abs().max()):.1e}")


if __name__ == "__main__":
    main()
