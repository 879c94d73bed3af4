"""The training loop that is in use for these clips, written down as plainly as it can be.

A torch Dataset opens a jpg per item with PIL and passes it through torchvision's transforms; a DataLoader
with processes of its own; resnet18 on three channels; Adam, cross entropy, StepLR; validation after every
epoch.

    python -m benchmarks.baseline_loop FOLDER EPOCHS WORKERS BACKBONE

prints after each epoch the seconds since the begin and the AUC of validation. It imports nothing of avfake,
whose stages set how torch's threads wait. The weights are random: pretrained ones change neither the speed
nor what the loop does. The score is the softmax, so that an AUC can be had.
"""

import csv
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import timm
import torch
from PIL import Image
from sklearn.metrics import roc_auc_score
from torch import nn
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

BATCH, LR, LR_STEP, LR_GAMMA = 40, 0.003, 4, 0.85
MEAN, DEVIATION = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
LABELS = "pictures.csv"  # split,path,target


class Pictures(Dataset[tuple[torch.Tensor, int]]):
    """The pictures of a split below a folder."""

    def __init__(self, folder: Path, split: str, transform: transforms.Compose) -> None:
        with (folder / LABELS).open(newline="", encoding="utf-8") as file:
            rows = [row for row in csv.DictReader(file) if row["split"] == split]
        self.paths = [folder / row["path"] for row in rows]
        self.targets = [int(row["target"]) for row in rows]
        self.transform = transform

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, place: int) -> tuple[torch.Tensor, int]:
        picture = Image.open(self.paths[place]).convert("RGB")
        return self.transform(picture), self.targets[place]


def train(folder: Path, epochs: int, workers: int, backbone: str) -> Iterator[tuple[float, float]]:
    """Yields after each epoch the seconds since the begin and the AUC of validation."""
    start = time.perf_counter()
    torch.manual_seed(0)
    plain = [
        transforms.Resize((256, 256)),
        transforms.ToTensor(),
        transforms.Normalize(MEAN, DEVIATION),
    ]
    flips = [transforms.RandomHorizontalFlip(), transforms.RandomVerticalFlip()]
    training = Pictures(folder, "train", transforms.Compose([plain[0], *flips, *plain[1:]]))
    validation = Pictures(folder, "val", transforms.Compose(plain))
    train_loader = DataLoader(training, BATCH, shuffle=True, num_workers=workers)
    val_loader = DataLoader(validation, BATCH, shuffle=False, num_workers=workers)
    model = timm.create_model(backbone, num_classes=2)
    criterion = nn.CrossEntropyLoss()
    optimiser = torch.optim.Adam(model.parameters(), LR)
    schedule = torch.optim.lr_scheduler.StepLR(optimiser, LR_STEP, LR_GAMMA)
    for _ in range(epochs):
        model.train()
        for pictures, targets in train_loader:
            loss = criterion(model(pictures), targets)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        schedule.step()
        model.eval()
        with torch.no_grad():
            scores = [model(pictures).softmax(1)[:, 1].numpy() for pictures, _ in val_loader]
        yield (
            time.perf_counter() - start,
            float(roc_auc_score(validation.targets, np.concatenate(scores))),
        )


if __name__ == "__main__":
    for seconds, auc in train(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]):
        print("clock", seconds, auc, flush=True)
