"""An embedded AWS Lambda endpoint: the Invoke API on loopback, over real `awslambdaric` processes on this machine.

For development, tests and the demo, where there is no account and no network. What a caller can see is as at AWS: status
codes, error types, `FunctionError`, concurrency limits, payload limits, time-outs that end the environment, cold starts that
are real process starts. What it is not: a control plane. Functions are named on the command line.

`runtime` is the main of a function's process, `environment` owns one such process, `pool` is one function with its
environments, `endpoint` speaks HTTP, `__main__` composes.
"""
