"""The flags `nn.Module.training`: an update sets those that it needs, and sets them back.

An update is carried out with the flags that ``network.train()`` gives, whatever the user set in the
meantime. A user who calls ``trainer.generator.eval()`` to look at samples therefore changes nothing in the
run. A module can stay in eval mode by its own `train` method, the usual way to freeze batch norm:

>>> class Frozen(nn.BatchNorm1d):
...     def train(self, mode=True):
...         return super().train(False)

Such a method is called as torch calls it: ``train(True)`` before, and ``train(False)`` afterwards, so it can
switch more than the flag.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext

from torch import nn

__all__ = ["TrainingFlags", "in_eval_mode", "overriding", "put_flags"]


def overriding(modules: Iterable[nn.Module]) -> list[nn.Module]:
    """Return the modules that have a `train` method of their own."""
    return [
        module for module in modules if type(module).train is not nn.Module.train or "train" in vars(module)
    ]


def put_flags(modules: Sequence[nn.Module], flags: Sequence[bool]) -> None:
    """Set the training flag of each module; those with a `train` method of their own are called first."""
    wanted = dict(zip(map(id, modules), flags, strict=True))
    for module in overriding(modules):
        if module.training != wanted[id(module)]:
            module.train(wanted[id(module)])
    for module, flag in zip(modules, flags, strict=True):
        module.training = flag


@contextmanager
def in_eval_mode(*networks: nn.Module) -> Iterator[None]:
    """Put networks into eval mode inside; afterwards every flag is as it was."""
    modules = list({id(module): module for network in networks for module in network.modules()}.values())
    flags = [module.training for module in modules]
    try:
        for network in networks:
            network.eval()
        yield
    finally:
        put_flags(modules, flags)


class TrainingFlags:
    """The training flags of some networks; making one leaves them as they are.

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
        """Return a context in which all networks are in train mode; enter it at once."""
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
