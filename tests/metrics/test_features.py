"""Features for image metrics, and the metrics on them."""

from __future__ import annotations

import hashlib
import math

import pytest
import torch
from torch import nn

from ganwidgets.data import load_data
from ganwidgets.errors import DataError
from ganwidgets.metrics import IMAGE_METRICS, evaluate_images, inception
from ganwidgets.metrics import classifier as classifiers
from ganwidgets.metrics.classifier import ChannelClassifier, train_classifier
from ganwidgets.metrics.features import OwnFeatures, Pixels, RandomFeatures, Reading, read
from ganwidgets.stepping.runtime.ambient import pinned


@pytest.fixture(scope="module")
def digits():
    source = load_data("digits")
    images = (source.read(torch.arange(source.size)) + 1) / 2
    return images, source.labels


@pytest.fixture(scope="module")
def classifier(digits):
    with pinned(1):
        return train_classifier(*digits, "digits")


def test_a_classifier_of_digits_is_trained_in_seconds(classifier):
    assert classifier.accuracy > 0.97
    assert classifier.name == "digits classifier"
    assert "FID" not in classifier.help


@pytest.fixture
def hasty(monkeypatch):
    """Classifiers that are trained for almost no time."""
    monkeypatch.setattr(classifiers, "STEPS", 20)


def test_the_classifier_is_repeatable_and_uses_no_global_random_numbers(digits, hasty):  # noqa: ARG001
    few = tuple(part[:300] for part in digits)
    torch.manual_seed(3)
    before = torch.get_rng_state()
    one, two = train_classifier(*few, "digits"), train_classifier(*few, "digits")
    assert torch.equal(before, torch.get_rng_state())
    seen = [read(found, digits[0][:50]) for found in (one, two)]
    assert torch.equal(seen[0].features, seen[1].features)
    assert not seen[0].features.requires_grad


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 20, 70), (2, 5, 3)])
def test_images_of_any_size_are_classified(shape, hasty):  # noqa: ARG001
    images = torch.rand(40, *shape, generator=torch.Generator().manual_seed(0))
    labels = torch.arange(40) % 3 - 7
    found = train_classifier(images, labels, "mine")
    assert found.classes.tolist() == [-7, -6, -5]
    seen = read(found, images)
    assert seen.probabilities.shape == (40, 3)
    assert torch.isfinite(seen.features).all()


def test_channels_are_classified_one_by_one(classifier, digits):
    images, labels = digits
    stacked = torch.cat([images[0:100], images[100:200], images[200:300]], dim=1)
    written = labels[0:100] * 100 + labels[100:200] * 10 + labels[200:300]
    seen = ChannelClassifier(classifier, "stacked_digits").read(stacked)
    assert seen.probabilities.shape == (100, 1000)
    assert seen.features.shape == (100, 192)
    assert (seen.probabilities.argmax(dim=1) == written).float().mean() > 0.95


def test_random_features_are_constant_and_detect_differences(digits):
    images = digits[0][:200]
    one, two = RandomFeatures(1), RandomFeatures(1)
    assert torch.equal(one.read(images).features, two.read(images).features)
    assert "trend" in one.name
    assert one.trend_only
    assert one.read(images).probabilities is None


def test_features_of_the_user(digits):
    class Own(nn.Module):
        def __init__(self):
            super().__init__()
            self.drop = nn.Dropout(0.5)

        def forward(self, x):
            rows = self.drop(x.flatten(2))
            return rows, rows.flatten(1)[:, :10]

    images = digits[0][:20]
    seen = OwnFeatures(Own()).read(images)
    assert torch.equal(seen.features, images.flatten(1))
    assert seen.probabilities.shape == (20, 10)
    assert OwnFeatures(nn.Flatten()).read(images).probabilities is None
    assert OwnFeatures(nn.Flatten()).name == "features of Flatten"
    for wrong in (lambda x: x.sum(), lambda x: x[:3], lambda x: "no"):
        module = nn.Identity()
        module.forward = wrong
        with pytest.raises(DataError, match="the features of 20 images are"):
            OwnFeatures(module).read(images)


def test_pixel_features_are_the_pixels(digits):
    assert torch.equal(Pixels().read(digits[0][:5]).features, digits[0][:5].flatten(1))


# --- Inception ------------------------------------------------------------------------------------


def test_inception_offline_raises_one_clear_sentence(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))

    def offline(*_args, **_options):
        message = "name resolution failed"
        raise OSError(message)

    monkeypatch.setattr(torch.hub, "download_url_to_file", offline)
    with pytest.raises(DataError, match=r"nor could they be downloaded from https.*name resolution failed"):
        inception.load_inception(None, torch.device("cpu"))


def test_other_weights_than_inceptions_are_refused(tmp_path):
    file = tmp_path / "weights.pth"
    with pytest.raises(DataError, match="could not be read"):
        inception.load_inception(file, torch.device("cpu"))
    file.write_bytes(b"something else")
    with pytest.raises(DataError, match=r"download weights-inception-2015-12-05-6726825d\.pth again"):
        inception.load_inception(file, torch.device("cpu"))


def test_without_torch_fidelity_the_remedy_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "torch_fidelity.feature_extractor_inceptionv3", None)
    with pytest.raises(DataError, match=r"ganwidgets\[inception\]"):
        inception.load_inception(None, torch.device("cpu"))


@pytest.mark.slow
def test_inception_reads_weights_from_a_file(tmp_path, monkeypatch):
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3 as Network

    with torch.device("meta"), pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "torch_fidelity.feature_extractor_inceptionv3.load_state_dict_from_url", lambda *a, **k: {}
        )
        patch.setattr(Network, "load_state_dict", lambda *a, **k: None)
        shapes = Network("inception-v3-compat", ["2048"]).state_dict()
    draws = torch.Generator().manual_seed(0)
    weights = {
        name: torch.rand(value.shape, generator=draws) * 0.05 + 0.01
        if value.is_floating_point()
        else torch.zeros(value.shape, dtype=value.dtype)
        for name, value in shapes.items()
    }
    file = tmp_path / "weights.pth"
    torch.save(weights, file)
    monkeypatch.setattr(inception, "SHA256_BEGINS", hashlib.sha256(file.read_bytes()).hexdigest()[:8])
    torch.manual_seed(1)
    before = torch.get_rng_state()
    features = inception.load_inception(file, torch.device("cpu"))
    images = torch.rand(2, 1, 8, 8, generator=draws)
    seen = features.read(images)
    assert torch.equal(before, torch.get_rng_state())
    assert seen.features.shape == (2, 2048)
    assert seen.probabilities.sum(dim=1).tolist() == pytest.approx([1, 1])
    images[0] = math.nan
    assert features.read(images).features.isnan().all()
    with pytest.raises(DataError, match="4 channels"):
        features.read(torch.rand(2, 4, 8, 8))


# --- the metrics ----------------------------------------------------------------------------------


def test_every_metric_has_a_description_and_a_format(classifier, digits):
    images, labels = digits
    shares = torch.bincount(labels).double() / len(labels)
    real, other = read(classifier, images[:800]), read(classifier, images[800:])
    figures = evaluate_images(other, real, 800, shares, asked=labels[800:])
    assert figures["as_asked"] > 0.97
    assert set(figures) == set(IMAGE_METRICS)
    for name, value in figures.items():
        metric = IMAGE_METRICS[name]
        assert metric.help.endswith(".")
        assert format(value, metric.format)


def test_metrics_separate_good_from_bad_and_varied_from_collapsed(classifier, digits):
    # the digits are sorted by writer
    order = torch.randperm(1797, generator=torch.Generator().manual_seed(0))
    images, labels = (part[order] for part in digits)
    shares = torch.bincount(labels).double() / len(labels)
    real = read(classifier, images[:800])

    def figures(generated):
        return evaluate_images(read(classifier, generated), real, 800, shares)

    good, half = figures(images[800:1600]), figures(images[800:][labels[800:] < 5])
    noise = figures(torch.rand(800, 1, 8, 8, generator=torch.Generator().manual_seed(0)))
    assert good["frechet"] < half["frechet"] < noise["frechet"]
    assert good["kernel_inception"] < half["kernel_inception"] < noise["kernel_inception"]
    assert good["precision"] > 0.8
    assert half["precision"] > 0.6
    assert noise["precision"] < 0.1
    assert good["coverage"] > 0.9
    assert half["coverage"] < 0.6
    assert (good["modes"], good["reverse_kl"] < 0.05) == (10, True)
    assert half["reverse_kl"] > 0.5


def test_non_finite_images_have_the_worst_scores(classifier, digits):
    images, labels = digits
    shares = torch.bincount(labels).double() / len(labels)
    broken = images[:50].clone()
    broken[7, 0, 3, 3] = math.nan
    figures = evaluate_images(read(classifier, broken), read(classifier, images[50:100]), 50, shares)
    assert figures["frechet"] == figures["kernel_inception"] == figures["reverse_kl"] == math.inf
    assert figures["inception_score"] == 1
    for name in ("precision", "recall", "density", "coverage", "diversity", "modes"):
        assert figures[name] == 0


def test_classes_are_counted_among_all_and_comparisons_are_among_as_many():
    probabilities = torch.eye(4).repeat(5, 1)
    generated = Reading(torch.randn(20, 3, generator=torch.Generator().manual_seed(0)), probabilities)
    shares = torch.full((4,), 0.25, dtype=torch.float64)
    figures = evaluate_images(generated, Reading(generated.features[:2]), 2, shares)
    assert figures["modes"] == 4
    assert figures["reverse_kl"] == pytest.approx(0)
    assert figures["coverage"] == 1
