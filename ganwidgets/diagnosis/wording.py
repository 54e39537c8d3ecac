"""Findings in a reader's language."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence

from ganwidgets.diagnosis.finding import Finding
from ganwidgets.diagnosis.symptoms import SYMPTOMS
from ganwidgets.messages import Catalog, N_

__all__ = ["findings_in_words", "findings_of_each", "since_in_words"]


def since_in_words(finding: Finding, t: Catalog) -> str:
    """Return since when a symptom has been there."""
    return t(N_("since iteration {iteration}"), iteration=f"{finding.since:,}")


def findings_in_words(findings: Sequence[Finding], t: Catalog) -> str:
    """Return all symptoms and since when each has been there, in one line."""
    sentences = [f"{t(SYMPTOMS[each.symptom])}, {since_in_words(each, t)}" for each in findings]
    return "; ".join(sentences) or t(N_("nothing is found"))


def findings_of_each(findings: Mapping[str, Sequence[Finding]], t: Catalog) -> str:
    """Return a list of runs, by name, with the findings on each, as HTML."""
    lines = [
        f"<li><b>{html.escape(name)}</b>: {html.escape(findings_in_words(found, t))}</li>"
        for name, found in findings.items()
    ]
    return f"<ul>{''.join(lines)}</ul>"
