r"""The Dirac-GAN: the smallest GAN, with dynamics that have a closed form and fit on a plane.

Every real sample is 0. The generator has one parameter and makes one sample, G(z) = theta; the discriminator
has one parameter too, D(x) = psi x, a logit. A state is a point (theta, psi) of a plane, training is a vector
field on it, and a run is a path. The equilibrium is theta = 0 and psi = 0: the generator makes the real sample, and
the discriminator is indifferent.

Mescheder, Geiger and Nowozin, "Which training methods for GANs do actually converge?", 2018, section 2, introduced it
to show that most GANs do not converge. Everything here exists twice: *measured*, by differentiating the package's own
losses and penalties, and as *formulas* derived from them. The tests compare the two.
In the formulas s(t) = 1 / (1 + e^-t), t = theta psi.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ganwidgets.messages import Message
from ganwidgets.objectives import LOSSES, PENALTIES

__all__ = ["DiracGAN", "Dynamics"]

Floats = npt.NDArray[np.float64]
Formula = Callable[[Floats, Floats], Floats]


def _logistic(t: Floats) -> Floats:
    return 0.5 * (1 + np.tanh(0.5 * t))  # never overflows


def _logistic_psi(theta: Floats, psi: Floats) -> Floats:
    return -theta * _logistic(theta * psi)


def _non_saturating_theta(theta: Floats, psi: Floats) -> Floats:
    return psi * _logistic(-theta * psi)


def _psi_itself(theta: Floats, psi: Floats) -> Floats:  # noqa: ARG001 - all formulas have one signature
    return psi


def _minus_theta(theta: Floats, psi: Floats) -> Floats:  # noqa: ARG001
    return -theta


_FORMULAS: Mapping[str, tuple[Formula, Formula]] = MappingProxyType(
    {
        "minimax": (lambda theta, psi: psi * _logistic(theta * psi), _logistic_psi),
        "non_saturating": (_non_saturating_theta, _logistic_psi),
        "least_squares": (
            lambda theta, psi: -2 * psi * (theta * psi - 1),
            lambda theta, psi: -2 * theta**2 * psi,
        ),
        "wasserstein": (_psi_itself, _minus_theta),
        "hinge": (_psi_itself, lambda theta, psi: -theta * (theta * psi > -1)),
        "relativistic": (_non_saturating_theta, _logistic_psi),
    }
)
"""For each loss, minus the slope of G's loss by theta and minus that of D's loss by psi."""

_SLOPES: Mapping[str, tuple[float, float]] = MappingProxyType(
    {
        "minimax": (0.5, -0.5),
        "non_saturating": (0.5, -0.5),
        "least_squares": (2.0, 0.0),
        "wasserstein": (1.0, -1.0),
        "hinge": (1.0, -1.0),
        "relativistic": (0.5, -0.5),
    }
)
"""For each loss, d v_theta / d psi and d v_psi / d theta at (0, 0)."""

_DAMPING: Mapping[str, float] = MappingProxyType({"none": 0.0, "r1": 1.0, "r2": 1.0, "r1_r2": 2.0})
"""Multiples of gamma / 2 psi^2 that a penalty adds to D's loss; D's slope is psi at every input."""


@dataclass(frozen=True)
class Dynamics:
    """Linearized training dynamics at the equilibrium (0, 0).

    Attributes
    ----------
    eigenvalues : tuple of complex
        Eigenvalues of the vector field's Jacobian there, in 1 / time; training is treated as a flow.
    radius : float
        Spectral radius of one step's linear map: the asymptotic factor on the distance to (0, 0) in each step.
        Training converges if it is below 1, and diverges if it is above 1.
    """

    eigenvalues: tuple[complex, complex]
    radius: float

    @property
    def verdict(self) -> str:
        """``"converges"``, ``"leaves"``, or ``"circles"`` if the linear map neither shrinks nor grows."""
        if abs(self.radius - 1) < 1e-9:
            return "circles"
        return "converges" if self.radius < 1 else "leaves"


@dataclass(frozen=True)
class DiracGAN:
    """The Dirac-GAN under a loss, a penalty and a weight clip of the package.

    Parameters
    ----------
    loss, penalty : str
        As the settings of these names.
    penalty_weight : float
        gamma of R1 and R2, lambda of the gradient penalty.
    weight_clip : float
        Keeps psi between minus and plus this value after each update of D; 0 does not.

    Raises
    ------
    ValueError
        For an unknown loss or penalty.

    Examples
    --------
    >>> DiracGAN("wasserstein").dynamics(lr_g=0.1, lr_d=0.1, simultaneous=True).verdict
    'leaves'
    >>> DiracGAN("wasserstein", "r1", 1.0).dynamics(lr_g=0.1, lr_d=0.1, simultaneous=True).verdict
    'converges'
    """

    loss: str = "minimax"
    penalty: str = "none"
    penalty_weight: float = 1.0
    weight_clip: float = 0.0

    def __post_init__(self) -> None:
        for what, name, known in (
            ("loss", self.loss, list(LOSSES)),
            ("penalty", self.penalty, ["none", *PENALTIES]),
        ):
            if name not in known:
                raise ValueError(
                    Message(
                        "there is no {what} {name!r}; choose one of {known}",
                        what=what,
                        name=name,
                        known=", ".join(known),
                    )
                )

    # --- the vector field -----------------------------------------------------------------------

    def field(self, theta: npt.ArrayLike, psi: npt.ArrayLike) -> tuple[Floats, Floats]:
        """Return the measured vector field: minus each network's own gradient.

        Parameters
        ----------
        theta, psi : array_like of float
            Any number of states, of one shape.

        Returns
        -------
        tuple of float64 array
            v_theta = -dL_G / d theta and v_psi = -dL_D / d psi, penalty included, of that shape.
        """
        states = np.broadcast_arrays(np.asarray(theta, float), np.asarray(psi, float))
        flat = [torch.tensor(state.reshape(-1), dtype=torch.float64) for state in states]
        shape = states[0].shape
        return self._push_theta(*flat).numpy().reshape(shape), self._push_psi(*flat).numpy().reshape(shape)

    # A batch of N states is a batch of N games, each with one real and one generated sample. The losses are
    # means over the batch and the games are independent, so N times a gradient is each game's own.

    def _push_theta(self, theta: Tensor, psi: Tensor) -> Tensor:
        theta = theta.detach().requires_grad_()
        loss = LOSSES[self.loss].loss_g(psi * theta, psi * 0)
        (slope,) = torch.autograd.grad(loss, theta)
        return -len(theta) * slope

    def _push_psi(self, theta: Tensor, psi: Tensor) -> Tensor:
        psi = psi.detach().requires_grad_()
        loss = LOSSES[self.loss].loss_d(psi * 0, psi * theta)
        if self.penalty != "none":
            real, fake = torch.zeros_like(theta)[:, None], theta[:, None]
            where = torch.Generator().manual_seed(0)  # of interpolates; D's slope is psi at all of them
            loss = loss + PENALTIES[self.penalty](
                lambda x: psi * x[:, 0], real, fake, self.penalty_weight, where
            )
        (slope,) = torch.autograd.grad(loss, psi, materialize_grads=True)
        return -len(theta) * slope

    def formula(self, theta: npt.ArrayLike, psi: npt.ArrayLike) -> tuple[Floats, Floats]:
        """Return the same as :meth:`field`, computed by formula.

        ======================  =======================  ==================
        loss                    v_theta                  v_psi
        ======================  =======================  ==================
        minimax                 psi s(t)                 -theta s(t)
        non_saturating          psi s(-t)                -theta s(t)
        least_squares           -2 psi (t - 1)           -2 theta^2 psi
        wasserstein             psi                      -theta
        hinge                   psi                      -theta if t > -1
        relativistic            psi s(-t)                -theta s(t)
        ======================  =======================  ==================

        R1 and R2 add -gamma psi to v_psi each, the gradient penalty -2 lambda (abs(psi) - 1) sign(psi).
        """
        theta, psi = np.broadcast_arrays(np.asarray(theta, float), np.asarray(psi, float))
        v_theta, v_psi = (part(theta, psi) for part in _FORMULAS[self.loss])
        if self.penalty == "gradient_penalty":
            v_psi = v_psi - 2 * self.penalty_weight * (np.abs(psi) - 1) * np.sign(psi)
        else:
            v_psi = v_psi - _DAMPING[self.penalty] * self.penalty_weight * psi
        return np.array(v_theta, float), np.array(v_psi, float)

    # --- paths ----------------------------------------------------------------------------------

    def path(
        self,
        start: tuple[float, float],
        steps: int,
        *,
        lr_g: float,
        lr_d: float,
        d_steps: int = 1,
        simultaneous: bool = False,
        by_formula: bool = False,
    ) -> Floats:
        """Return the states of a run of gradient descent, float64 ``[steps + 1, 2]``, `start` first.

        Parameters
        ----------
        start : (float, float)
            theta and psi.
        steps : int
            Full steps.
        lr_g, lr_d : float
            Learning rates.
        d_steps : int
            Number of updates of D before each update of G.
        simultaneous : bool
            If True, G's update uses the D from before the step. If False, it uses the updated D, as a
            :class:`GANTrainer` does.
        by_formula : bool
            Use :meth:`formula` instead of the measured :meth:`field`.

        Notes
        -----
        After an overflow all further states are infinite or NaN.
        """
        v = self.formula if by_formula else self.field
        states = np.empty((steps + 1, 2))
        theta, psi = map(float, start)
        states[0] = theta, psi
        with np.errstate(all="ignore"):
            for number in range(1, steps + 1):
                psi_before = psi
                for _ in range(d_steps):
                    psi += lr_d * float(v(theta, psi)[1])
                    if self.weight_clip > 0:
                        psi = min(max(psi, -self.weight_clip), self.weight_clip)
                theta += lr_g * float(v(theta, psi_before if simultaneous else psi)[0])
                states[number] = theta, psi
        return states

    # --- theory ---------------------------------------------------------------------------------

    def jacobian(self) -> Floats:
        """Return the field's Jacobian at (0, 0) by formula, float64 [2, 2]; rows v_theta and v_psi.

        The matrix is ``[[0, a], [-b, -m gamma]]``: a = b = 1/2 for the logistic losses, 1 for
        Wasserstein and hinge. Least squares has a = 2, b = 0, because a discriminator without bias cannot
        output 1 at x = 0. m is the number of penalties (1 for R1 or R2, 2 for both).

        Raises
        ------
        ValueError
            With the gradient penalty, which has a kink at psi = 0.
        """
        if self.penalty == "gradient_penalty":
            raise ValueError(
                Message("the gradient penalty has a kink at psi = 0, so that there is no Jacobian there")
            )
        by_psi, by_theta = _SLOPES[self.loss]
        return np.array([[0.0, by_psi], [by_theta, -_DAMPING[self.penalty] * self.penalty_weight]])

    def dynamics(self, *, lr_g: float, lr_d: float, d_steps: int = 1, simultaneous: bool = False) -> Dynamics:
        """Return the theoretical dynamics near (0, 0); parameters as in :meth:`path`.

        The flow's eigenvalues are -m gamma / 2 +- sqrt(m^2 gamma^2 / 4 - a b) (Mescheder et al. 2018, section 4, for a = b = f'(0)).
        A step maps a state by (1 + h_g J_g) (1 + h_d J_d)^d_steps, J_g and J_d being the Jacobian's rows, or, simultaneously, by
        the sum of both moves. The weight clip plays no part near 0.

        Raises
        ------
        ValueError
            With the gradient penalty; see :meth:`jacobian`.
        """
        jacobian = self.jacobian()
        damping = -jacobian[1, 1]
        root = cmath.sqrt(damping**2 / 4 + jacobian[0, 1] * jacobian[1, 0])
        one = np.eye(2)
        d_map = np.linalg.matrix_power(one + lr_d * np.diag([0.0, 1.0]) @ jacobian, d_steps)
        g_move = lr_g * np.diag([1.0, 0.0]) @ jacobian
        step = d_map + g_move if simultaneous else (one + g_move) @ d_map
        # In closed form for a 2 x 2 matrix, so that the eigenvalues of a rotation are on the unit circle exactly
        # enough.
        half, determinant = step.trace() / 2, np.linalg.det(step)
        spread = cmath.sqrt(half**2 - determinant)
        radius = max(abs(half + spread), abs(half - spread))
        return Dynamics(
            (-damping / 2 + root, -damping / 2 - root), float(radius) if math.isfinite(radius) else math.inf
        )
