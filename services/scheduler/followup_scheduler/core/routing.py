"""Which sequence a lead of a source enters (D2), and whether its people asked (C3)."""

from collections.abc import Mapping

D1 = "d1"
WEB = "d1-web"
GOOGLE = "d2-google"
REFERRAL = "d2-referral"
COLD = "d2-cold"

_BY_SOURCE: Mapping[str, str] = {
    "google_lsa": GOOGLE,
    "gmb_call": GOOGLE,
    "facebook_lead_ad": D1,
    "instagram_lead_ad": D1,
    "referral": REFERRAL,
    "web_form": WEB,
    "cold_outbound": COLD,
}


def route(source: str, *, asked: bool, audience: str) -> str:
    """The key of the sequence for a new lead.

    People who never asked for help get the cold rules (C3), whatever their source; a
    source nobody knows gets the standard sequence. `audience` changes hours (R11) and
    not, so far, the sequence.
    """
    del audience
    if not asked:
        return COLD
    return _BY_SOURCE.get(source, D1)


def asked_for_help(source: str) -> bool:
    """Whether leads of a source got in touch themselves.

    Only cold outbound did not. A referral is somebody who was sent to us and comes
    with a need; a name that a third party merely passed on belongs under
    `cold_outbound`.
    """
    return source != "cold_outbound"
