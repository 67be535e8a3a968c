"""AWS Lambda as a place for inference.

Three parties, three rooms: `client` is the edge's side (a `Target` over boto3), `function` is what runs in the cloud, and
`local` is an embedded Invoke endpoint that drives the very same function on this machine, for development, tests and the
demo. They meet in `payload`, the request and response of one inference. `deploy` says how the function gets to AWS.
"""
