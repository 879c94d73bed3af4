"""Plain English sentences for a synthetic voice. The words are this project's own."""

import numpy as np

CANDIDATES = 30

_WORDS: tuple[tuple[str, ...], ...] = (
    (
        "the old sailor", "my neighbour", "a quiet girl", "our baker", "the young doctor", "his sister",
        "the guard", "a foreign traveller", "the strict teacher", "her brother", "the committee",
        "one of the farmers",
    ),
    (
        "is looking for", "carries", "paints", "wants to sell", "has hidden", "looks at", "cleans", "keeps",
        "bought", "talked about", "will repair", "remembers",
    ),
    (
        "a green lamp", "the wooden boat", "a long letter", "the heavy tools", "a blue coat",
        "the full basket", "a glass bottle", "the new contract", "a white sail", "the broken clock",
        "several photographs",
    ),
    (
        "by the river", "under the stone bridge", "at the edge of the forest", "next to the barn",
        "before sunrise", "in the empty kitchen", "near the harbour", "all evening", "behind the high fence",
        "this week", "",
    ),
)  # fmt: skip


def sentences(characters: float, rng: np.random.Generator) -> str:
    """Sentences, each of which ends with a full stop, of together about so many characters.

    Where not even one fits in, it breaks off after the last word that does, the first two in any case.
    """
    texts = [_text(characters, rng) for _ in range(CANDIDATES)]
    return min(texts, key=lambda text: abs(len(text) - characters))


def _text(characters: float, rng: np.random.Generator) -> str:
    said = [_sentence(rng)]
    while len(" ".join(said)) + len(said[-1]) / 2 < characters:
        said.append(_sentence(rng))
    words = " ".join(said).rstrip(".").split()
    while len(said) == 1 and len(words) > 2 and len(" ".join(words)) > characters:
        words.pop()
    return f"{' '.join(words)}."


def _sentence(rng: np.random.Generator) -> str:
    text = " ".join(words[int(rng.integers(len(words)))] for words in _WORDS).strip()
    return f"{text[0].upper()}{text[1:]}."
