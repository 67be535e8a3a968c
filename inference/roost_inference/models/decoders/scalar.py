"""A single probability for the whole picture, such as a drone's collision probability: output [n] or [n,1]."""

from __future__ import annotations

from dataclasses import dataclass

from roost_inference.models.decoders.outputs import Outputs
from roost_inference.models.geometry import Geometry
from roost_inference.ports import Detection, EngineError


@dataclass(frozen=True, slots=True)
class Scalar:
    """One detection of the whole picture where the named output exceeds the threshold. output: "-" for the first."""

    threshold: float = 0.5
    output: str = "-"
    label: str = "object"

    def decode(self, outputs: Outputs, geometry: Geometry) -> tuple[Detection, ...]:
        """See `outputs.Decoder`."""
        name = next(iter(outputs)) if self.output == "-" else self.output
        if name not in outputs or outputs[name].size != 1:
            shapes = ", ".join(f"{key} {list(array.shape)}" for key, array in outputs.items())
            raise EngineError(
                f"the decoder scalar reads one number from '{name}', the model gave {shapes}", remedy="name another output"
            )
        score = float(outputs[name].reshape(()))
        return (Detection(self.label, min(1.0, score), geometry.bounds),) if score >= self.threshold else ()
