"""Small networks of our own for spectrograms, in timm's registry: `train.backbone` takes their names too.

Importing this package registers `avfake_spectro_temporal` and `avfake_lcnn`. They have no published weights.
"""

from avfake.model.custom.lcnn import Lcnn, avfake_lcnn
from avfake.model.custom.spectro_temporal import SpectroTemporal, avfake_spectro_temporal

__all__ = ["Lcnn", "SpectroTemporal", "avfake_lcnn", "avfake_spectro_temporal"]
