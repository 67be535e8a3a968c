"""Text recognisers with a CTC head: probabilities [n,steps,classes], class 0 the blank, the last class the space."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from roost_inference.models.decoders.outputs import Outputs, expect
from roost_inference.models.geometry import Geometry
from roost_inference.ports import Detection


@dataclass(frozen=True, slots=True)
class CtcText:
    """One detection with the text read, or none. The characters come from the ONNX file's metadata key `character`.

    Best-path decoding (Graves et al., "Connectionist temporal classification", ICML 2006, section 3.2); the score is
    the mean probability of the steps that gave a character.
    """

    threshold: float = 0.5
    label: str = "text"
    characters: tuple[str, ...] = ()

    def decode(self, outputs: Outputs, geometry: Geometry) -> tuple[Detection, ...]:
        """See `outputs.Decoder`."""
        alphabet = (*self.characters, " ")
        (steps,) = expect(outputs, "ctc_text", (None, None, len(alphabet) + 1))
        classes = steps.argmax(axis=1)
        starts = np.ones(len(classes), dtype=np.bool_)
        starts[1:] = classes[1:] != classes[:-1]
        chosen = np.nonzero(starts & (classes > 0))[0]
        text = "".join(alphabet[k - 1] for k in classes[chosen]).strip()
        if not text:
            return ()
        score = float(steps[chosen, classes[chosen]].mean())
        return (Detection(self.label, min(1.0, score), geometry.bounds, text),) if score >= self.threshold else ()
