"""What runs a model here: ONNX Runtime, the runner around it, and the worker process with a core of its own.

`runner.ModelRunner` is the one piece of code that goes from picture to detections; the worker process and the function in
the cloud both use it, so that both places say the same. `local.LocalEngine` is the target that the live executor sees.
"""
