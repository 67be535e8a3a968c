"""The gRPC contract, generated from the `.proto` files beside it. Do not edit."""
