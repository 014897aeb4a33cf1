"""Where a call may be recorded because one party to it agrees, and where all must.

Statutes by jurisdiction, as of November 2026. Only where every candidate jurisdiction of a
person is known to leave it to one party is nobody asked: in doubt, people are.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

ALL_PARTIES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "US-CA": "Cal. Penal Code 632, 632.7",
        "US-CT": "Conn. Gen. Stat. 52-570d",
        "US-DE": "11 Del. C. 1335(a)(4)",
        "US-FL": "Fla. Stat. 934.03(2)(d)",
        "US-IL": "720 ILCS 5/14-2",
        "US-MA": "Mass. G.L. c. 272, 99",
        "US-MD": "Md. Cts. & Jud. Proc. 10-402(c)(3)",
        "US-MI": "MCL 750.539c",
        "US-MT": "Mont. Code 45-8-213(1)(c)",
        "US-NH": "N.H. RSA 570-A:2",
        "US-NV": "NRS 200.620",
        "US-OR": "ORS 165.540",
        "US-PA": "18 Pa. C.S. 5704(4)",
        "US-WA": "RCW 9.73.030",
    }
)
"""States where all parties must agree, or where courts read it so."""

_COUNTRY: Final = "US-"
"""Federal law asks for one party (18 U.S.C. 2511(2)(d)); elsewhere the law is not read here."""


def must_ask(jurisdictions: frozenset[str]) -> bool:
    """Whether a person who may be in any of these has to agree before they are recorded."""
    states = {code for code in jurisdictions if code.startswith(_COUNTRY)}
    elsewhere = jurisdictions - states - {"US"}
    return not states or bool(elsewhere) or any(code in ALL_PARTIES for code in states)
