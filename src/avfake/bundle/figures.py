"""Figures as a report says them: each with its interval, and one that cannot be had with the reason."""

from collections.abc import Mapping, Sequence

from avfake.gate.revision import Figure

NAMES = {
    "auc_unseen": "AUC, forgeries never seen in training",
    "auc": "AUC, all forgeries",
    "auc_seen": "AUC, forgeries seen in training",
    "eer": "EER",
    "ap": "average precision",
    "tpr_at_fpr_1e_2": "TPR at FPR 1 %",
    "tpr_at_fpr_5e_3": "TPR at FPR 0.5 %",
    "tpr_at_fpr_1e_3": "TPR at FPR 0.1 %",
    "min_dcf": "minDCF",
    "log_loss": "log loss (nats)",
    "brier": "Brier score",
    "ece": "ECE",
    "threshold": "threshold, chosen on validation",
    "accuracy": "accuracy at the threshold",
    "recall": "recall at the threshold",
    "precision": "precision at the threshold",
    "f1": "F1 at the threshold",
}
COUNTS = {
    "n": "clips with label and score",
    "n_real": "real",
    "n_fake": "fake",
    "n_seen_fake": "fakes by tools that training knew",
    "n_unseen_fake": "fakes by tools that training never saw",
    "n_unscored": "clips that could not be read (they have the training prior as score)",
}


class Figures:
    """The committed figures and their notes.

    Args:
        metrics: file name without `.json` -> figure -> value.
        notes: `<file>.<figure>` -> why it is null, or a remark.
    """

    def __init__(
        self, metrics: Mapping[str, Mapping[str, Figure]], notes: Mapping[str, Sequence[str]]
    ) -> None:
        self.metrics, self.notes = metrics, notes

    def has(self, file: str) -> bool:
        """Whether metrics/<file>.json holds anything."""
        return bool(self.metrics.get(file))

    def value(self, file: str, key: str) -> Figure:
        """The figure; None where it is null or not there."""
        return self.metrics.get(file, {}).get(key)

    def reason(self, file: str, key: str) -> str:
        """Why there is no such figure."""
        if file not in self.metrics:
            return f"metrics/{file}.json is not part of this commit"
        if key not in self.metrics[file]:
            return f"metrics/{file}.json does not hold it"
        return "; ".join(self.notes.get(f"{file}.{key}", [])) or "the run gave no reason"

    def plain(self, file: str, key: str, digits: int = 3) -> str:
        """The figure, or `none` with the reason."""
        value = self.value(file, key)
        return f"none: {self.reason(file, key)}" if value is None else said(value, digits)

    def whole(self, file: str, key: str, digits: int = 3) -> str:
        """The figure with its interval, or with the reason of what cannot be had."""
        text = self.plain(file, key, digits)
        low, high = f"{key}_ci_low", f"{key}_ci_high"
        if self.value(file, key) is None or low not in self.metrics.get(file, {}):
            return text
        if self.value(file, low) is None or self.value(file, high) is None:
            return f"{text} (no interval: {self.reason(file, low)})"
        return f"{text} ({self.plain(file, low, digits)} to {self.plain(file, high, digits)})"

    def remark(self, file: str, key: str) -> str:
        """What the notes say of a figure that is there; empty where they say nothing or it is null."""
        return "" if self.value(file, key) is None else "; ".join(self.notes.get(f"{file}.{key}", []))

    def kinds(self, file: str, keys: Sequence[str]) -> dict[str, list[str]]:
        """How the intervals of these figures were made -> the figures."""
        found: dict[str, list[str]] = {}
        for key in keys:
            for text in self.notes.get(f"{file}.{key}_ci_low", []):
                if self.value(file, f"{key}_ci_low") is not None:
                    found.setdefault(text, []).append(key)
        return found

    def conditions(self, file: str) -> list[str]:
        """The disturbances of a robustness file, in its order."""
        keys = self.metrics.get(file, {})
        return [key.removeprefix("drop_") for key in keys if key.startswith("drop_") and "_ci_" not in key]

    def texts(self, key: str) -> Sequence[str]:
        """A list of remarks that belongs to no figure, such as the audit's `warnings`."""
        return self.notes.get(key, [])


def said(value: float | int, digits: int = 3) -> str:
    """A figure as text: counts in full, the rest with so many decimals."""
    return str(value) if isinstance(value, int) else f"{value:.{digits}f}"
