"""Findings as SARIF 2.1.0 (OASIS standard), which code hosts and editors show at their lines."""

from collections.abc import Mapping, Sequence
from typing import Any

from followup_scheduler.lint.findings import Finding
from followup_scheduler.lint.linter import DOCUMENT
from followup_scheduler.lint.registry import RULES

_SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)


def sarif(found: Mapping[str, Sequence[Finding]], *, version: str) -> dict[str, Any]:
    """One run over these files; `version` is the product's."""
    driver = {"name": "followup lint", "version": version, "rules": _rules()}
    results = [_result(file, finding) for file, findings in found.items() for finding in findings]
    return {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [
            {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
        ],
    }


def _rules() -> list[dict[str, Any]]:
    readable = {
        "id": DOCUMENT,
        "shortDescription": {"text": "The document can be read."},
        "defaultConfiguration": {"level": "error"},
    }
    return [
        readable,
        *(
            {
                "id": rule.id,
                "shortDescription": {"text": rule.asks},
                "fullDescription": {"text": rule.because},
                "defaultConfiguration": {"level": rule.severity},
            }
            for rule in RULES
        ),
    ]


def _result(file: str, finding: Finding) -> dict[str, Any]:
    hint = f" ({finding.suggestion})" if finding.suggestion else ""
    return {
        "ruleId": finding.rule,
        "level": finding.severity,
        "message": {"text": f"{finding.path or 'document'}: {finding.message}{hint}"},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": file},
                    "region": {"startLine": finding.line or 1},
                }
            }
        ],
    }
