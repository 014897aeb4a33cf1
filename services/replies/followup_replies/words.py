"""The few words that we answer at once, in the languages that replies are read in.

One confirmation of a stop, without marketing, within minutes (47 CFR 64.1200(a)(12)), that
says what it is about: texts and calls to the number. A start brings back the texts alone.
HELP names the sender and the way out (CTIA Messaging Principles, 5.1.3).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Words:
    """Texts of a language; `{name}` is the business."""

    stopped: str
    started: str
    help: str
    press: str
    not_again: str


_ENGLISH = Words(
    stopped="{name}: You are unsubscribed and will get no more texts or calls at this number."
    " START for texts again.",
    started="{name}: You will get our texts again. HELP for help, STOP to opt out.",
    help="{name}: Reply to this message and a person will get back to you. STOP to opt out.",
    press="To get no more calls, press 9 now.",
    not_again="You will not be called again. Goodbye.",
)

_WORDS: Mapping[str, Words] = MappingProxyType(
    {
        "en": _ENGLISH,
        "de": Words(
            stopped="{name}: Sie sind abgemeldet und erhalten unter dieser Nummer keine Nachrichten"
            " und Anrufe mehr. START für neue Nachrichten.",
            started="{name}: Sie erhalten wieder Nachrichten. HILFE für Hilfe, STOP zum Abmelden.",
            help="{name}: Antworten Sie auf diese Nachricht, wir melden uns. STOP zum Abmelden.",
            press="Wenn Sie keine Anrufe mehr möchten, drücken Sie jetzt die Neun.",
            not_again="Wir rufen Sie nicht mehr an. Auf Wiederhören.",
        ),
        "es": Words(
            stopped="{name}: Se ha dado de baja: no recibirá más mensajes ni llamadas en este"
            " número. START para volver a recibir mensajes.",
            started="{name}: Volverá a recibir mensajes. AYUDA para ayuda, STOP para la baja.",
            help="{name}: Responda a este mensaje y le atenderemos. STOP para darse de baja.",
            press="Si no desea más llamadas, pulse nueve ahora.",
            not_again="No volveremos a llamarle. Adiós.",
        ),
        "fr": Words(
            stopped="{name} : Vous êtes désinscrit et ne recevrez plus de messages ni d'appels à ce"
            " numéro. START pour recevoir à nouveau des messages.",
            started="{name} : Vous recevrez à nouveau nos messages. AIDE pour de l'aide,"
            " STOP pour vous désinscrire.",
            help="{name} : Répondez à ce message et nous vous recontacterons."
            " STOP pour vous désinscrire.",
            press="Pour ne plus recevoir d'appels, appuyez sur neuf maintenant.",
            not_again="Nous ne vous appellerons plus. Au revoir.",
        ),
        "pt": Words(
            stopped="{name}: Inscrição cancelada: não receberá mais mensagens nem chamadas neste"
            " número. START para voltar a receber mensagens.",
            started="{name}: Voltará a receber mensagens. AJUDA para ajuda, STOP para cancelar.",
            help="{name}: Responda a esta mensagem e entraremos em contato. STOP para cancelar.",
            press="Para não receber mais chamadas, pressione nove agora.",
            not_again="Não voltaremos a ligar. Adeus.",
        ),
    }
)


def words_of(language: str | None) -> Words:
    """The texts for a language tag (BCP 47); English where there are none."""
    return _WORDS.get((language or "en").lower().partition("-")[0], _ENGLISH)


def said(text: str, *, business: str) -> str:
    """A text with the business's name, without a colon before nothing."""
    if business:
        return text.replace("{name}", business)
    return text.partition(": ")[2] if text.startswith("{name}") else text
