from __future__ import annotations

import copy
import pickle
from pathlib import Path

import pytest

import catalogs
from ganwidgets.messages import Catalog, Message, N_, catalog, languages


def package_with(tmp_path: Path, code: str) -> Path:
    package = tmp_path / "ganwidgets"
    package.mkdir()
    (package / "module.py").write_text(code, encoding="utf-8")
    catalogs.write("fr", catalogs.begin("fr"), package)
    return package


def translate(package: Path, texts: dict[str, str]) -> None:
    catalogs.update(package)
    french = catalogs.read("fr", package)
    for text, translation in texts.items():
        french.get(text).string = translation
    catalogs.write("fr", french, package)


class TestCatalogs:
    def test_every_marked_text_is_translated(self):
        assert list(catalogs.problems()) == []

    def test_every_form_of_marking_is_found(self, tmp_path):
        package = package_with(
            tmp_path,
            'N_("one")\nMessage("two {x}", x=1)\nraise E(Message("three "\n"and more"))\n'
            'self.catalog("four")\nprint("not five")\nf"<b>{escape(catalog(N_(\'six\')))}</b>"\n',
        )
        assert {m.id for m in catalogs.extract(package) if m.id} == {
            "one",
            "two {x}",
            "three and more",
            "four",
            "six",
        }

    def test_missing_translations_are_named(self, tmp_path):
        package = package_with(tmp_path, 'N_("one")\n')
        assert any("'one' is not in the catalog" in problem for problem in catalogs.problems(package))
        catalogs.update(package)
        assert list(catalogs.problems(package)) == ["fr: 'one' has no translation"]
        translate(package, {"one": "un"})
        assert list(catalogs.problems(package)) == []

    def test_a_translation_keeps_the_fields(self, tmp_path):
        package = package_with(tmp_path, 'Message("{a} of {b:g}")\n')
        translate(package, {"{a} of {b:g}": "{b} sur {a}"})
        assert list(catalogs.problems(package)) == []
        translate(package, {"{a} of {b:g}": "{a} de {c}"})
        assert "the same {fields}" in next(catalogs.problems(package))

    def test_a_reworded_text_counts_as_untranslated(self, tmp_path):
        package = package_with(tmp_path, 'N_("the learning rate")\n')
        translate(package, {"the learning rate": "le taux"})
        (package / "module.py").write_text('N_("the learning rates")\n', encoding="utf-8")
        assert any("no longer in the package" in problem for problem in catalogs.problems(package))
        catalogs.update(package)
        assert list(catalogs.problems(package)) == ["fr: 'the learning rates' has no translation"]

    def test_an_outdated_mo_file_is_reported(self, tmp_path):
        package = package_with(tmp_path, 'N_("one")\n')
        translate(package, {"one": "un"})
        po = catalogs.source("fr", package)
        po.write_text(po.read_text(encoding="utf-8").replace('"un"', '"une"'), encoding="utf-8")
        assert "not compiled" in next(catalogs.problems(package))

    def test_updating_twice_changes_nothing(self, tmp_path):
        package = package_with(tmp_path, 'N_("one")\nMessage("{n} runs", n=2)\n')
        catalogs.update(package)
        before = catalogs.source("fr", package).read_bytes()
        catalogs.update(package)
        assert catalogs.source("fr", package).read_bytes() == before


class TestMessage:
    def test_its_text_is_the_english_sentence(self):
        message = Message("{setting} cannot be {value!r}", setting="loss", value="hing")
        assert message == "loss cannot be 'hing'"
        assert message.template == "{setting} cannot be {value!r}"

    @pytest.mark.parametrize("twin", [copy.copy, copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])  # noqa: S301
    def test_a_copy_can_still_be_translated(self, twin):
        message = twin(Message("{n} runs", n=2))
        assert (message, message.template, message.values) == ("2 runs", "{n} runs", {"n": 2})

    def test_marking_returns_the_text_unchanged(self):
        assert N_("Play") == "Play"


class TestLanguage:
    def test_english_and_french_are_available(self):
        assert languages()[0] == "en"
        assert "fr" in languages()

    @pytest.mark.parametrize(
        ("locale", "language"),
        [("fr", "fr"), ("fr_CA", "fr"), ("fr-FR", "fr"), ("en_GB.UTF-8", "en"), ("FR", "fr")],
    )
    def test_the_language_follows_the_locale(self, locale, language):
        assert catalog(locale).language == language

    def test_an_unknown_language_is_refused_with_the_available_ones(self):
        with pytest.raises(ValueError, match=r"'tlh'.*en, fr"):
            catalog("tlh")

    def test_the_default_language_is_that_of_the_system(self, monkeypatch):
        for name in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("LANG", "fr_FR.UTF-8")
        assert catalog().language == "fr"
        monkeypatch.setenv("LANGUAGE", "tlh:en")
        assert catalog().language == "en"

    def test_a_nested_message_is_translated(self, monkeypatch):
        french = Catalog("fr")
        words = {"{a} must be {b}": "{a} doit valoir {b}", "one of {names}": "l'un de {names}"}
        monkeypatch.setattr(french._translations, "gettext", lambda text: words.get(text, text))
        inner = Message("one of {names}", names="x, y")
        assert french(Message("{a} must be {b}", a="loss", b=inner)) == "loss doit valoir l'un de x, y"

    def test_other_exceptions_are_shown_unchanged(self):
        assert catalog("fr").error(KeyError("k")) == "KeyError: 'k'"
        assert catalog("en").error(ValueError(Message("{n} is bad", n=1))) == "1 is bad"
