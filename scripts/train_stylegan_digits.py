"""Train the small StyleGAN3 that comes with the package: the ten digits of scikit-learn at 16x16, by class.

Takes about ten minutes of one core and writes ``ganwidgets/pretrained/stylegan3_digits.safetensors``.

    python scripts/train_stylegan_digits.py [--steps 6000]
"""

from __future__ import annotations

import argparse
from pathlib import Path

import ganwidgets as gw
from ganwidgets.networks.stylegan3 import Generator, save_generator

TARGET = Path(__file__).parent.parent / "ganwidgets" / "pretrained" / "stylegan3_digits.safetensors"


def main() -> None:
    """Train, and store the moving average of the generator."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=6000)
    steps = parser.parse_args().steps
    trainer = gw.GANTrainer(
        "digits_16",
        **{**gw.recommended("stylegan3_t"), "conditional": True, "schedule_steps": steps},
    )
    trainer.step(steps)
    average = trainer._session.run.state.averages["generator"]
    assert isinstance(average, Generator)
    save_generator(average, TARGET)


if __name__ == "__main__":
    main()
