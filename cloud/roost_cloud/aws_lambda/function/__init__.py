"""What runs in the cloud: the very models and the very runner of the edge, behind AWS Lambda's handler.

Its imports are few on purpose, since they are the cold start: numpy, Pillow, PyYAML and ONNX Runtime; no gRPC, no pydantic,
no boto3 (a test holds this).
"""
