"""The flags `nn.Module.training`: an update sets the flags it needs, and restores them.

An update uses the flags that ``network.train()`` gives, whatever the user set in between. A user who calls
``trainer.generator.eval()`` to inspect samples therefore does not change the run. A module can stay in eval mode by
overriding `train`, the usual way to freeze batch norm:

>>> class Frozen(nn.BatchNorm1d):
...     def train(self, mode=True):
...         return super().train(False)

Such a method is called as torch calls it, ``train(True)`` before and ``train(False)`` afterwards, so it may
switch more than the flag.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext

from torch import nn

__all__ = ["TrainingFlags", "in_eval_mode", "overriding", "put_flags"]


def overriding(modules: Iterable[nn.Module]) -> list[nn.Module]:
    """Return the modules that override `train`."""
    return [
        module for module in modules if type(module).train is not nn.Module.train or "train" in vars(module)
    ]


def put_flags(modules: Sequence[nn.Module], flags: Sequence[bool]) -> None:
    """Set the training flag of each module; modules that override `train` come first."""
    wanted = dict(zip(map(id, modules), flags, strict=True))
    for module in overriding(modules):
        if module.training != wanted[id(module)]:
            module.train(wanted[id(module)])
    for module, flag in zip(modules, flags, strict=True):
        module.training = flag


@contextmanager
def in_eval_mode(*networks: nn.Module) -> Iterator[None]:
    """Context: put networks into eval mode, and restore every flag afterwards."""
    modules = list({id(module): module for network in networks for module in network.modules()}.values())
    flags = [module.training for module in modules]
    try:
        for network in networks:
            network.eval()
        yield
    finally:
        put_flags(modules, flags)


class TrainingFlags:
    """The training flags of some networks; the constructor does not change them.

    Parameters
    ----------
    networks : iterable of nn.Module
    """

    def __init__(self, networks: Iterable[nn.Module]) -> None:
        self._networks = list(networks)
        self._modules = list(
            {id(module): module for network in self._networks for module in network.modules()}.values()
        )
        self._overrides = bool(overriding(self._modules))
        before = self._now()
        self._set_to_train()
        self._wanted = self._now()
        put_flags(self._modules, before)

    def _now(self) -> list[bool]:
        return [module.training for module in self._modules]

    def in_train_mode(self) -> AbstractContextManager[object]:
        """Return a context that puts all networks into train mode; enter it at once."""
        now = self._now()
        return _NOTHING if now == self._wanted else self._setting(now)

    @contextmanager
    def _setting(self, before: list[bool]) -> Iterator[None]:
        try:
            if self._overrides:
                self._set_to_train()
                # A `train` method may freeze other layers than at the last update.
                self._wanted = self._now()
            else:
                for module in self._modules:
                    module.training = True
            yield
        finally:
            put_flags(self._modules, before)

    def _set_to_train(self) -> None:
        for network in self._networks:
            network.train()


_NOTHING: AbstractContextManager[object] = nullcontext()
