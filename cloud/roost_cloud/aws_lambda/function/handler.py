"""The function's entry point for AWS Lambda: `roost_cloud.aws_lambda.function.handler.handler`.

This module loads the models when it is imported. That is the one import with an effect in Roost, and it is how AWS Lambda
works: what happens at import belongs to the start of an environment, what happens in a call is waited for by its caller.
Nothing but the runtime imports it; everything that can be tested without a start lives in `inference`.
"""

import os

from roost_cloud.aws_lambda.function.inference import InferenceFunction

handler = InferenceFunction.from_environment(os.environ)
