"""CycleGAN: image translation between two domains, without pairs.

Zhu, Park, Isola and Efros, "Unpaired image-to-image translation using cycle-consistent adversarial networks", 2017.
Two generators translate between the domains, F from A to B and G from B to A; each domain has a discriminator. With
least-squares losses (section 4) and "mean" over batch and patches:

* loss of the generators: mean (D_B(F(a)) - 1)^2 + mean (D_A(G(b)) - 1)^2
  + lambda (mean |G(F(a)) - a| + mean |F(G(b)) - b|) + mu (mean |F(b) - b| + mean |G(a) - a|)
* loss of the discriminators: 1/2 (mean (D_A(a) - 1)^2 + mean D_A(fake a)^2) + the same for B

lambda is the cycle weight and mu the identity weight (section 5.2). The discriminators see a fake from a pool of
earlier ones with probability 1/2 (Shrivastava et al., "Learning from simulated and unsupervised images through
adversarial training", 2017, section 2.3). Each update draws its own images and translates them with the current
generators, so that either player can be frozen or updated alone. The authors' code uses one batch for both updates.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import l1_loss

from ganwidgets.errors import DataError
from ganwidgets.games.game import (
    Diagram,
    Exhibit,
    Feed,
    Flow,
    Game,
    Node,
    Player,
    Scored,
    Stream,
    StreamShape,
    Turn,
)
from ganwidgets.games.translation import CHANNELS, STAGES
from ganwidgets.messages import Message, N_
from ganwidgets.modality.metric import Metric
from ganwidgets.networks.patch_discriminator import build_patch_discriminator
from ganwidgets.networks.unet import build_unet, image_shape
from ganwidgets.settings.types import FloatSetting, IntSetting

__all__ = ["CycleGAN", "Swap", "pooled"]


class Swap(NamedTuple):
    """Random choices for the exchange of fakes with the pool.

    Attributes
    ----------
    slots : Tensor, int64 [n]
        The pool slot of each fake; all slots differ. -1 for fakes beyond the size of the pool.
    use : Tensor, bool [n]
        True if the discriminator sees the pool's image.
    """

    slots: Tensor
    use: Tensor


class Unpaired(NamedTuple):
    """The batch of one update: images of both domains [n, C, H, W], and the pool exchanges."""

    a: Tensor
    b: Tensor
    swap_a: Swap | None
    swap_b: Swap | None


class CycleGAN(Game):
    """Two generators between two domains, against a discriminator in each."""

    name = "cyclegan"
    label = N_("Image translation without pairs (CycleGAN)")
    players = (
        Player("generators", "g", N_("Generators"), ("a_to_b", "b_to_a")),
        Player("discriminators", "d", N_("Discriminators"), ("discriminator_a", "discriminator_b")),
    )
    streams = (Stream("a", N_("Domain A")), Stream("b", N_("Domain B")))
    terms = ("adversarial", "cycle", "identity")
    stages = STAGES
    settings: ClassVar[Mapping[str, Any]] = {
        "cycle_weight": FloatSetting(
            10.0,
            min=0,
            max=1000,
            scale="logarithmic",
            slider=(0.1, 100),
            zero=N_("off"),
            label=N_("Cycle weight"),
            help=N_(
                "The weight of the cycle loss: an image must return unchanged after a translation there and back."
            ),
            group="objective",
        ),
        "identity_weight": FloatSetting(
            0.0,
            min=0,
            max=1000,
            scale="logarithmic",
            slider=(0.1, 100),
            zero=N_("off"),
            label=N_("Identity weight"),
            help=N_(
                "The weight of the identity loss: a generator must not change an image of its target domain."
            ),
            group="objective",
        ),
        "pool_size": IntSetting(
            50,
            min=0,
            max=1000,
            slider=(0, 200),
            zero=N_("off"),
            label=N_("Pool"),
            unit=N_("images"),
            help=N_(
                "How many earlier translations are kept; half of what the discriminators see comes from them."
            ),
            group="fresh start",
            effect="fresh start",
        ),
        "channels": CHANNELS,
    }
    defaults: ClassVar[Mapping[str, Any]] = {
        "lr_d": 5e-4,
        "lr_g": 5e-4,
        "beta1": 0.5,
        "beta2": 0.999,
        "batch_size": 16,
    }
    exhibits = (
        Exhibit("a", N_("A"), role="real"),
        Exhibit("a_to_b", N_("A to B"), role="generated"),
        Exhibit("a_to_b_to_a", N_("and back to A")),
        Exhibit("b", N_("B"), role="real"),
        Exhibit("b_to_a", N_("B to A"), role="generated"),
        Exhibit("b_to_a_to_b", N_("and back to B")),
    )
    metrics: ClassVar[Mapping[str, Metric]] = {
        "cycle_l1": Metric(
            N_("Cycle distance"),
            N_("The mean distance of a pixel from where it began, after a translation there and back."),
            "lower",
            ".3f",
        )
    }
    floors: ClassVar[Mapping[str, float]] = {"cycle_l1": 0.0}
    diagram = Diagram(
        (
            Node("a", N_("Domain A"), "data"),
            Node("b", N_("Domain B"), "data"),
            Node("a_to_b", N_("A to B"), "network"),
            Node("b_to_a", N_("B to A"), "network"),
            Node("discriminator_a", N_("Discriminator of A"), "network"),
            Node("discriminator_b", N_("Discriminator of B"), "network"),
            Node("loss_d", N_("Loss of D"), "loss"),
            Node("loss_g", N_("Loss of G"), "loss"),
        ),
        (
            Flow("a", "a_to_b"),
            Flow("b", "b_to_a"),
            Flow("a_to_b", "b_to_a"),
            Flow("b_to_a", "a_to_b"),
            Flow("a_to_b", "discriminator_b"),
            Flow("b_to_a", "discriminator_a"),
            Flow("a", "discriminator_a"),
            Flow("b", "discriminator_b"),
            Flow("discriminator_a", "loss_d"),
            Flow("discriminator_b", "loss_d"),
            Flow("discriminator_a", "loss_g"),
            Flow("discriminator_b", "loss_g"),
            Flow("a", "loss_g"),
            Flow("b", "loss_g"),
        ),
    )

    def build(
        self, settings: Any, data: Mapping[str, StreamShape], weights: torch.Generator
    ) -> dict[str, nn.Module]:
        a, b, channels = image_shape(data["a"].shape), image_shape(data["b"].shape), settings.channels
        return {
            "a_to_b": build_unet(a, b, channels, weights),
            "b_to_a": build_unet(b, a, channels, weights),
            "discriminator_a": build_patch_discriminator(a, channels, weights),
            "discriminator_b": build_patch_discriminator(b, channels, weights),
        }

    def memory(self, settings: Any, data: Mapping[str, StreamShape]) -> dict[str, Tensor]:
        found = {}
        for domain in ("a", "b"):
            found[f"pool_{domain}"] = torch.zeros(settings.pool_size, *data[domain].shape)
            found[f"pooled_{domain}"] = torch.zeros((), dtype=torch.int64)
        return found

    def check_fit(self, settings: Any, data: Mapping[str, StreamShape]) -> Message | None:
        a, b = data["a"].shape[0], data["b"].shape[0]
        if settings.identity_weight > 0 and a != b:
            return Message(
                "identity_weight cannot be {weight}: images of A have {a} channels and those of B {b}, so that no "
                "generator could leave an image alone; set identity_weight to 0",
                weight=settings.identity_weight,
                a=a,
                b=b,
            )
        return None

    def draw(self, player: str, feed: Feed, turn: Turn) -> Unpaired:
        n = turn.settings.batch_size
        a, b = feed.take(n, "a").samples, feed.take(n, "b").samples
        if player == "generators":
            return Unpaired(a, b, None, None)
        return Unpaired(a, b, _draw_swap(n, "a", turn), _draw_swap(n, "b", turn))

    def loss(self, player: str, batch: Unpaired, turn: Turn) -> Scored:
        if player == "discriminators":
            return self._loss_d(batch, turn)
        networks, settings = turn.networks, turn.settings
        a_to_b, b_to_a = networks["a_to_b"], networks["b_to_a"]
        fake_b, fake_a = a_to_b(batch.a), b_to_a(batch.b)
        turn.tell("generate", fake_a=fake_a, fake_b=fake_b)
        on_a, on_b = networks["discriminator_a"](fake_a), networks["discriminator_b"](fake_b)
        turn.tell("classify", fake_logits_a=on_a, fake_logits_b=on_b)
        adversarial = (on_a - 1).square().mean() + (on_b - 1).square().mean()
        cycle = l1_loss(b_to_a(fake_b), batch.a) + l1_loss(a_to_b(fake_a), batch.b)
        total = adversarial + settings.cycle_weight * cycle
        identity = torch.zeros(())
        if settings.identity_weight > 0:
            if batch.a.shape[1] != batch.b.shape[1]:
                raise DataError(
                    Message("identity_weight needs domains with the same channels; set identity_weight to 0")
                )
            identity = l1_loss(a_to_b(batch.b), batch.b) + l1_loss(b_to_a(batch.a), batch.a)
            total = total + settings.identity_weight * identity
        return Scored(total, terms={"adversarial": adversarial, "cycle": cycle, "identity": identity})

    def _loss_d(self, batch: Unpaired, turn: Turn) -> Scored:
        networks, memory = turn.networks, turn.memory
        assert batch.swap_a is not None  # drawn for the discriminators
        assert batch.swap_b is not None
        with torch.no_grad():
            fake_a, pool_a, pooled_a = pooled(
                networks["b_to_a"](batch.b), memory["pool_a"], memory["pooled_a"], batch.swap_a
            )
            fake_b, pool_b, pooled_b = pooled(
                networks["a_to_b"](batch.a), memory["pool_b"], memory["pooled_b"], batch.swap_b
            )
        turn.tell("generate", fake_a=fake_a, fake_b=fake_b)
        judge_a, judge_b = networks["discriminator_a"], networks["discriminator_b"]
        real_a, real_b, made_a, made_b = judge_a(batch.a), judge_b(batch.b), judge_a(fake_a), judge_b(fake_b)
        turn.tell(
            "classify", real_logits_a=real_a, real_logits_b=real_b, fake_logits_a=made_a, fake_logits_b=made_b
        )
        of_a = (real_a - 1).square().mean() + made_a.square().mean()
        of_b = (real_b - 1).square().mean() + made_b.square().mean()
        return Scored(
            (of_a + of_b) / 2,
            memory={"pool_a": pool_a, "pool_b": pool_b, "pooled_a": pooled_a, "pooled_b": pooled_b},
        )

    def show(self, n: int, feed: Feed, turn: Turn) -> Mapping[str, Tensor]:
        a, b = feed.take(n, "a").samples, feed.take(n, "b").samples
        a_to_b, b_to_a = turn.networks["a_to_b"], turn.networks["b_to_a"]
        in_b, in_a = a_to_b(a), b_to_a(b)
        return {
            "a": a,
            "a_to_b": in_b,
            "a_to_b_to_a": b_to_a(in_b),
            "b": b,
            "b_to_a": in_a,
            "b_to_a_to_b": a_to_b(in_a),
        }

    def evaluate(self, n: int, feed: Feed, turn: Turn) -> Mapping[str, float]:
        shown = self.show(n, feed, turn)
        distance = l1_loss(shown["a_to_b_to_a"], shown["a"]) + l1_loss(shown["b_to_a_to_b"], shown["b"])
        return {"cycle_l1": distance.item() / 2}


def _draw_swap(n: int, domain: str, turn: Turn) -> Swap:
    size, generator = len(turn.memory[f"pool_{domain}"]), turn.random["pool"]
    slots = torch.full((n,), -1, dtype=torch.int64, device="cpu")
    drawn = torch.randperm(size, generator=generator, device="cpu")[:n]
    slots[: len(drawn)] = drawn
    use = torch.rand(n, generator=generator, device="cpu") < 0.5
    return Swap(slots.to(turn.device), use.to(turn.device))


def pooled(fakes: Tensor, pool: Tensor, count: Tensor, swap: Swap) -> tuple[Tensor, Tensor, Tensor]:
    """Return the fakes for the discriminator, the new pool, and the number of images in it.

    Until the pool is full, fakes are stored and returned. Afterwards a fake is exchanged with a pool image if its
    ``swap.use`` is true, and returned unchanged otherwise. No argument is changed.

    Parameters
    ----------
    fakes : Tensor [n, ...]
    pool : Tensor [size, ...]
    count : Tensor, int64 ()
    """
    n, size = len(fakes), len(pool)
    if size == 0:
        return fakes, pool, count
    places = torch.arange(n, device=fakes.device) + count
    stored = places < size
    # A slot that this batch fills has no earlier image to exchange.
    exchanged = ~stored & swap.use & (swap.slots >= 0) & (swap.slots < count)
    slots = torch.where(stored, places, swap.slots.clamp(min=0))
    per_image = (n, *[1] * (fakes.ndim - 1))
    seen = torch.where(exchanged.view(per_image), pool[slots], fakes)
    # Which fake goes to which slot, bool [size, n]: no slot gets two.
    goes = (torch.arange(size, device=fakes.device)[:, None] == slots) & (stored | exchanged)
    sources = fakes[goes.to(torch.uint8).argmax(1)]
    renewed = torch.where(goes.any(1).view(size, *per_image[1:]), sources, pool)
    return seen, renewed, (count + n).clamp(max=size)
