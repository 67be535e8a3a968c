"""What a model is: its manifest, how a picture becomes its input, how its outputs become detections, how long it takes.

A model is an ONNX file and a YAML manifest beside it (`manifest` says the format). `preprocessing` makes the tensor,
`decoders` reads the outputs, `profile` keeps measured times. Nothing here runs a model: that is `roost_inference.engines`.
The import closure stays numpy, Pillow and PyYAML, since the function in the cloud imports it.
"""

from roost_inference.models.manifest import InputSpec, ModelManifest, load_manifest, load_manifests, write_manifests

__all__ = ["InputSpec", "ModelManifest", "load_manifest", "load_manifests", "write_manifests"]
