from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

import start


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project folder with a space in its path, and a log of the commands that the script would run there."""
    root = tmp_path / "a folder"
    (root / "notebooks").mkdir(parents=True)
    (root / start.NOTEBOOK).touch()
    for name in ("setup.cfg", "pyproject.toml"):
        (root / name).write_text("[dependency-groups]\nlint = ['ruff']\n", encoding="utf-8")
    monkeypatch.setattr(start, "ROOT", root)
    monkeypatch.setattr(start, "VENV", root / ".venv")
    project = SimpleNamespace(root=root, commands=[], failing=None)

    def run(command, **_):
        project.commands.append([str(part) for part in command])
        if "venv" in command:
            (root / ".venv").mkdir()
        status = int(project.failing in command)
        return SimpleNamespace(returncode=status, wait=lambda: status)

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr(subprocess, "Popen", run)
    return project


def ran(project, word):
    return [command for command in project.commands if word in command]


def test_the_first_start_creates_the_environment_and_installs(project):
    assert start.main(["test", "-k", "ring"]) == 0
    assert len(ran(project, "venv")) == 1
    assert ".[lab,test]" in ran(project, "install")[0]
    assert project.commands[-1][1:] == ["-m", "pytest", *start.SIDE_BY_SIDE, "-k", "ring"]


def test_the_second_start_installs_nothing(project):
    start.main(["test"])
    project.commands.clear()
    start.main(["test"])
    assert ran(project, "install") == []
    assert ran(project, "pytest")


@pytest.mark.parametrize("name", ["setup.cfg", "pyproject.toml"])
def test_new_dependencies_are_installed(project, name):
    start.main(["test"])
    project.commands.clear()
    with (project.root / name).open("a", encoding="utf-8") as file:
        file.write("# something new\n")
    start.main(["test"])
    assert len(ran(project, "install")) == 1


def test_each_command_installs_its_own_dependencies(project):
    start.main(["test"])
    project.commands.clear()
    assert start.main(["check"]) == 0
    assert "ruff" in ran(project, "install")[0]


def test_lab_opens_the_first_notebook(project):
    start.main(["lab", "--no-browser"])
    command = project.commands[-1]
    assert "jupyterlab" in command
    assert start.NOTEBOOK in command
    assert command[-1] == "--no-browser"


def test_lab_asks_no_question_and_keeps_existing_settings(project):
    start.main(["lab"])
    (overrides,) = (project.root / ".venv").rglob("overrides.json")
    name = "@jupyterlab/apputils-extension:notification"
    assert json.loads(overrides.read_text(encoding="utf-8"))[name]["fetchNews"] == "false"
    overrides.write_text("{}", encoding="utf-8")
    start.main(["lab"])
    assert overrides.read_text(encoding="utf-8") == "{}"


def test_allow_root_is_passed_for_root_only(project, monkeypatch):
    for user, allowed in ((0, True), (1000, False)):
        monkeypatch.setattr(start.os, "geteuid", lambda user=user: user, raising=False)
        start.main(["lab"])
        assert ("--allow-root" in project.commands[-1]) == allowed


def test_a_failed_installation_is_repeated(project, monkeypatch, capsys):
    monkeypatch.setattr(start, "connection", lambda: "There is no network.")
    project.failing = "install"
    assert start.main(["test"]) == 1
    assert "There is no network" in capsys.readouterr().err
    assert list((project.root / ".venv").glob("installed-*")) == []


def test_one_failed_check_fails_the_command_and_the_others_run(project, capsys):
    project.failing = "mypy"
    assert start.main(["check"]) == 1
    assert ran(project, "scripts/catalogs.py")
    assert "failed: types" in capsys.readouterr().out


def test_an_old_python_is_refused_with_the_remedy(monkeypatch, capsys):
    monkeypatch.setattr(sys, "version_info", (3, 9, 2, "final", 0))
    assert start.main(["lab"]) == 1
    message = capsys.readouterr().err
    assert "needs Python 3.11" in message
    assert "python3.11 start.py lab" in message


def test_an_unknown_command_is_refused_with_the_valid_ones(capsys):
    with pytest.raises(SystemExit):
        start.main(["tset"])
    message = capsys.readouterr().err
    assert all(command in message for command in ("tset", *start.COMMANDS))


def test_help_names_the_commands():
    done = subprocess.run(
        [sys.executable, start.__file__, "--help"], capture_output=True, text=True, check=True
    )
    for command in start.COMMANDS:
        assert f"  {command} " in done.stdout


def test_the_script_imports_the_standard_library_only():
    code = f"import sys; sys.path.insert(0, {str(Path(start.__file__).parent)!r}); import start"
    subprocess.run([sys.executable, "-I", "-S", "-c", code], check=True)
