"""`costspan demo`: a simulated provider on loopback, and a sample program that calls it through the real SDK."""
