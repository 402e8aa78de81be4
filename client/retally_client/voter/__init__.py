"""A voter's device: encrypt, show the tracking code, test or cast, keep the receipt, and look up later what counts
(docs/spec pages 6 and 9).

It trusts the policy file and itself. It does not protect anybody from coercion: whoever sees this device or holds the
voter's codes can see or prove how she voted.
"""
