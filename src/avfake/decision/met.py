"""What training met, from the tables of labels and of facts."""

import pandas as pd

from avfake.dataset.labels import HOME, homes
from avfake.decision.training_clips import TrainingClips


def training_clips(labels: pd.DataFrame, facts: pd.DataFrame) -> TrainingClips:
    """Of the labelled clips of train that could be opened.

    Args:
        labels: as `avfake.dataset.labels.read_labels` gives them, after `resplit`.
        facts: as `avfake.dataset.facts.read_facts` gives them, by the split whose folder holds the clip.
    """
    train = labels[(labels["split"] == "train") & labels["target"].notna()]
    keys = pd.DataFrame({HOME: homes(train), "video_name": train["video_name"]})
    known = facts[facts["error"].isna()].rename(columns={"split": HOME})
    both = keys.merge(known, on=[HOME, "video_name"], how="inner", validate="one_to_one")
    heard = both[both["audio_error"].isna()]
    seconds = heard["sound_seconds"].dropna()
    return TrainingClips(
        len(both),
        tuple(sorted(heard["audio_codec"].dropna().unique())),
        tuple(sorted(both["video_codec"].dropna().unique())),
        None if seconds.empty else round(float(seconds.min()), 6),
    )
