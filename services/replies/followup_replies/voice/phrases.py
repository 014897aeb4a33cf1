"""What calls say of themselves, in the languages that replies are read in."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Phrases:
    """Sentences of a language; `{name}` is the business, `{who}` the person on the line."""

    talk: str
    moment: str
    nobody: str
    record: str
    whisper: str
    somebody: str
    welcome: str


_ENGLISH = Phrases(
    talk="To talk to a person now, press 1.",
    moment="One moment, please.",
    nobody="Nobody is free at the moment. We will call you back. Goodbye.",
    record="We would like to record this call. Press 1 to agree. To talk without a recording,"
    " press any other key or wait.",
    whisper="A call from {who} for {name}. Press any key to take it.",
    somebody="a lead",
    welcome="Thank you for calling {name}.",
)

_PHRASES: Mapping[str, Phrases] = MappingProxyType(
    {
        "en": _ENGLISH,
        "de": Phrases(
            talk="Um jetzt mit einem Menschen zu sprechen, drücken Sie die Eins.",
            moment="Einen Moment, bitte.",
            nobody="Gerade ist niemand frei. Wir rufen Sie zurück. Auf Wiederhören.",
            record="Wir möchten dieses Gespräch aufzeichnen. Wenn Sie einverstanden sind, drücken"
            " Sie die Eins. Ohne Aufzeichnung: jede andere Taste, oder warten Sie.",
            whisper="Ein Anruf von {who} für {name}. Zum Annehmen eine Taste drücken.",
            somebody="einem Interessenten",
            welcome="Danke für Ihren Anruf bei {name}.",
        ),
        "es": Phrases(
            talk="Para hablar ahora con una persona, pulse uno.",
            moment="Un momento, por favor.",
            nobody="Ahora no hay nadie libre. Le devolveremos la llamada. Adiós.",
            record="Nos gustaría grabar esta llamada. Pulse uno si está de acuerdo. Para hablar"
            " sin grabación, pulse otra tecla o espere.",
            whisper="Una llamada de {who} para {name}. Pulse una tecla para atenderla.",
            somebody="un interesado",
            welcome="Gracias por llamar a {name}.",
        ),
        "fr": Phrases(
            talk="Pour parler à une personne maintenant, appuyez sur un.",
            moment="Un instant, s'il vous plaît.",
            nobody="Personne n'est libre pour le moment. Nous vous rappellerons. Au revoir.",
            record="Nous aimerions enregistrer cet appel. Appuyez sur un si vous êtes d'accord."
            " Pour parler sans enregistrement, appuyez sur une autre touche ou patientez.",
            whisper="Un appel de {who} pour {name}. Appuyez sur une touche pour le prendre.",
            somebody="un prospect",
            welcome="Merci d'avoir appelé {name}.",
        ),
        "pt": Phrases(
            talk="Para falar agora com uma pessoa, pressione um.",
            moment="Um momento, por favor.",
            nobody="Ninguém está livre no momento. Ligaremos de volta. Adeus.",
            record="Gostaríamos de gravar esta chamada. Pressione um se concorda. Para falar sem"
            " gravação, pressione outra tecla ou aguarde.",
            whisper="Uma chamada de {who} para {name}. Pressione uma tecla para atender.",
            somebody="um interessado",
            welcome="Obrigado por ligar para {name}.",
        ),
    }
)


def phrases_of(language: str | None) -> Phrases:
    """The sentences for a language tag (BCP 47); English where there are none."""
    return _PHRASES.get((language or "en").lower().partition("-")[0], _ENGLISH)
