"""A stand-in for the payment providers: it speaks their documented APIs and signs with keys made for the test.

It is written from their documentation and not from the shop's code, and shares none with it.
"""
