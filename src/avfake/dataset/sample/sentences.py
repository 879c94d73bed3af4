"""Sentences for the synthetic voices, in the languages of the real lines, so that language tells nothing.

The words are this project's own. Czech keeps to the present tense, which needs no agreement in gender.
"""

from collections.abc import Mapping

import numpy as np

CANDIDATES = 60

_WORDS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "cs": {
        "who": (
            "stará babička", "mladý rybář", "náš soused", "unavený strážce", "malé děvče", "jejich učitel",
            "přísná lékařka", "pekař z náměstí", "cizí námořník", "moje sestra",
        ),
        "does": (
            "hledá", "nese", "maluje", "opravuje", "ukrývá", "prodává", "čistí", "pozoruje", "kupuje", "balí",
        ),
        "what": (
            "zelenou lampu", "dřevěnou loďku", "starý žebřík", "modrý kabát", "plný košík", "dlouhý dopis",
            "skleněnou lahev", "těžké kladivo", "bílou plachtu", "rozbité hodiny",
        ),
        "where": (
            "u řeky", "pod kamenným mostem", "na kraji lesa", "vedle staré stodoly", "před svítáním",
            "v prázdné kuchyni", "blízko přístavu", "celý večer", "za vysokým plotem", "",
        ),
        "joined": (", a potom ", ", ale ", ", zatímco ", ". "),
    },
    "nl": {
        "who": (
            "de oude visser", "mijn buurvrouw", "het stille meisje", "onze bakker", "de jonge dokter",
            "zijn zus", "de wachter van de haven", "een vreemde reiziger", "de strenge lerares", "haar broer",
        ),
        "does": (
            "zoekt", "draagt", "schildert", "verkoopt", "verstopt", "bekijkt", "poetst", "bewaart", "koopt",
        ),
        "what": (
            "een groene lamp", "de houten boot", "een lange brief", "het zware gereedschap", "de blauwe jas",
            "een volle mand", "de glazen fles", "het oude slot", "een wit zeil", "de kapotte klok",
        ),
        "where": (
            "bij de rivier", "onder de stenen brug", "aan de rand van het bos", "naast de schuur",
            "voor zonsopgang", "in de lege keuken", "vlak bij de haven", "de hele avond",
            "achter het hoge hek", "",
        ),
        "joined": (", en ", ", maar ", ", want ", ". "),
    },
}  # fmt: skip


def text_of_length(language: str, characters: float, rng: np.random.Generator) -> str:
    """Some sentences in `language` ("cs" or "nl") of about so many characters, ending with a full stop."""
    best = ""
    for _ in range(CANDIDATES):
        text = _text(language, characters, rng)
        if not best or abs(len(text) - characters) < abs(len(best) - characters):
            best = text
    return best


def _text(language: str, characters: float, rng: np.random.Generator) -> str:
    words = _WORDS[language]
    text = ""
    while len(text) < 0.8 * characters:
        clause = " ".join(str(rng.choice(words[part])) for part in ("who", "does", "what", "where")).strip()
        if not text or text.endswith(". "):
            clause = clause[0].upper() + clause[1:]
        text += clause
        if len(text) < 0.8 * characters:
            text += str(rng.choice(words["joined"]))
    return text + "."
