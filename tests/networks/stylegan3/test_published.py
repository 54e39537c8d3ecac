"""The list of published networks, a download from a local test server, and the shipped network."""

import http.server
import threading

import pytest
import torch

import ganwidgets as gw
from ganwidgets.networks.stylegan3 import (
    PUBLISHED,
    Generator,
    download_stylegan,
    initialize,
    published,
    save_generator,
)

NAME = "stylegan2-cifar10-32x32.pkl"
CONTENT = bytes(range(256)) * 20_000


@pytest.fixture
def site(monkeypatch):
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            found = self.path.endswith(NAME)
            self.send_response(200 if found else 404)
            self.send_header("Content-Length", str(len(CONTENT) + self.server.missing))
            self.end_headers()
            self.wfile.write(CONTENT)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.missing = 0
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setattr(published, "SITE", f"http://127.0.0.1:{server.server_port}")
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.usefixtures("site")
def test_a_download_reports_its_progress_and_is_made_once(tmp_path):
    progress_calls = []
    path = download_stylegan(NAME, tmp_path, progress=lambda *at: progress_calls.append(at))
    assert path.read_bytes() == CONTENT
    assert progress_calls[-1] == (len(CONTENT), len(CONTENT))
    assert len(progress_calls) > 1
    assert download_stylegan(NAME, tmp_path, progress=lambda *_: pytest.fail("again")) == path


def test_a_failed_download_leaves_no_file(site, tmp_path):
    with pytest.raises(gw.CheckpointError, match=r"browser and pass its path"):
        download_stylegan("stylegan2-ffhq-256x256.pkl", tmp_path)
    with pytest.raises(KeyboardInterrupt):
        download_stylegan(NAME, tmp_path, progress=lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    site.missing = 100
    with pytest.raises(gw.CheckpointError, match="cut off"):
        download_stylegan(NAME, tmp_path)
    with pytest.raises(gw.DataError, match="stylegan3-r-ffhq-1024x1024"):
        download_stylegan("stylegan4.pkl", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_list_has_every_stylegan3_network_with_its_address():
    threes = [each for each in PUBLISHED.values() if each.family != "stylegan2"]
    assert len(threes) == 12
    assert all(each.megabytes and each.url.startswith("https://api.ngc.nvidia.com/") for each in threes)


def test_the_shipped_network_generates_the_ten_digits():
    network = gw.load_stylegan("digits")
    z = torch.randn(200, network.z_dim, generator=torch.Generator().manual_seed(0))
    labels = torch.arange(200) % 10
    with torch.no_grad():
        made = network(z, torch.eye(10)[labels], truncation_psi=0.7)
    found = torch.cdist(made.flatten(1), centres_of_digits()).argmin(1)
    assert (found == labels).float().mean() > 0.7


def centres_of_digits():
    from ganwidgets.data.images.presets import IMAGE_PRESETS

    images, labels = IMAGE_PRESETS["digits_16"].read("digits_16")
    return torch.stack([images[labels == label].mean(0).flatten() for label in range(10)])


def test_a_generator_of_the_user_is_saved_and_loaded(tmp_path):
    network = Generator(8, 0, 8, 16, 1, channel_base=64, channel_max=4, num_layers=4, margin_size=3).eval()
    initialize(network, torch.Generator().manual_seed(0))
    save_generator(network, tmp_path / "own.safetensors")
    loaded = gw.load_stylegan(tmp_path / "own.safetensors")
    z = torch.randn(2, 8, generator=torch.Generator().manual_seed(1))
    assert torch.equal(loaded(z), network(z))
