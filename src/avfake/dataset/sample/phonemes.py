"""Phonemes for the English voices, from the International Phonetic Alphabet of espeak-ng.

hibari and Kokoro read Kokoro's alphabet. Kokoro was trained on many languages and knows most sounds of Czech
and Dutch; hibari knows the English ones only, so that foreign sounds become the nearest English ones: the
voice speaks Czech with an English accent.
"""

from collections.abc import Mapping

# Longer spellings first: each table is applied in its order.
_BOTH: tuple[tuple[str, str], ...] = (
    ("t͡ʃ", "ʧ"), ("d͡ʒ", "ʤ"), ("t͡s", "ʦ"), ("tʃ", "ʧ"), ("dʒ", "ʤ"), ("r̝̊", "rʃ"), ("r̝", "rʒ"),
    ("ɦ", "h"), ("g", "ɡ"), ("ɵ", "ʌ"), ("\n", ", "),
)  # fmt: skip
_ENGLISH: tuple[tuple[str, str], ...] = (
    ("ʦ", "ts"), ("ɲ", "nj"), ("c", "tj"), ("ɟ", "dj"), ("œy", "W"), ("ʌʊ", "W"), ("oʊ", "O"), ("aʊ", "W"),
    ("ɛɪ", "A"), ("eɪ", "A"), ("oː", "O"), ("eː", "A"), ("øː", "ɜ"), ("ø", "ɜ"), ("œ", "ɜ"), ("y", "u"),
    ("a", "ɑ"), ("o", "ɔ"), ("e", "ɛ"), ("x", "h"), ("ɣ", "ɡ"), ("ʋ", "v"), ("r", "ɹ"), ("ː", ""),
)  # fmt: skip


def for_kokoro(ipa: str, known: Mapping[str, int]) -> str:
    """Kokoro's spelling of espeak-ng's IPA, without the signs that it does not know."""
    return _spelled(ipa, _BOTH, known)


def for_hibari(ipa: str, known: Mapping[str, int]) -> str:
    """The nearest English sounds to espeak-ng's IPA."""
    return _spelled(ipa, (*_BOTH, *_ENGLISH), known)


def _spelled(ipa: str, table: tuple[tuple[str, str], ...], known: Mapping[str, int]) -> str:
    text = ipa.strip()
    for old, new in table:
        text = text.replace(old, new)
    return "".join(sign for sign in text if sign in known) + "."
